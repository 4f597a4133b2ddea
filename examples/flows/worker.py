"""A worker in Python for a flow whose states are worked on elsewhere. Standard library only.

Usage: worker.py <url> <token> <state> [<how many>]; it lists the open claims of the state, does the work and closes each claim.
"""

import json
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

URL, TOKEN, STATE = sys.argv[1:4]
LEFT = int(sys.argv[4]) if len(sys.argv) > 4 else None


def call(method, path, body=None):
    request = urllib.request.Request(URL + path, method=method)
    request.add_header("Authorization", "Bearer " + TOKEN)
    if body is not None:
        request.add_header("Content-Type", "application/json")
        request.data = json.dumps(body).encode()
    with urllib.request.urlopen(request, timeout=30) as response:
        return json.load(response)


def open_claims():
    after = None
    while True:
        query = {"state": STATE, "limit": 100, **({"after": after} if after else {})}
        page = call("GET", "/v1/operations?" + urllib.parse.urlencode(query))
        yield from page["operations"]
        after = page["next"]
        if after is None:
            return


def work(claim):
    # The work key is the idempotency key for a payment provider: it stays the same until the outcome is known.
    return {"orderId": "order-" + claim["workKey"]}


while LEFT is None or LEFT > 0:
    for claim in open_claims():
        path = f"/v1/checkout-sessions/{claim['checkoutSessionId']}/operations/{claim['operationId']}/complete"
        try:
            call("POST", path, work(claim))
        except urllib.error.HTTPError as refused:
            # Another worker closed it first, or its deadline did.
            print("refused", refused.code, flush=True)
            continue
        print("done", claim["checkoutSessionId"], flush=True)
        LEFT = None if LEFT is None else LEFT - 1
    time.sleep(0.2)
