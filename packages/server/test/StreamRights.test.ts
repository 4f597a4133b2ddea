/** Event streams of a whole server end with the key and with the right to watch. */
import { assert, describe, it } from "@effect/vitest"
import { call } from "./Call.js"
import { serving } from "./Serving.js"

const tokens = {
  operator: { userId: "operator", roles: ["modify-all-data"] },
  ann: { userId: "ann", roles: ["buyer-checkout"] }
}

/** The first event that is no change, within five seconds of `end`; what was read before it comes along. */
const lastEvent = async (url: string, token: string, id: string, end: () => Promise<unknown>) => {
  const answer = await fetch(`${url}/v1/checkout-sessions/${id}/events`, {
    headers: { authorization: `Bearer ${token}` },
    signal: AbortSignal.timeout(10_000)
  })
  assert.strictEqual(answer.status, 200)
  await end()
  const text = await answer.text()
  const [, name, said] = /event: (error|end)\ndata: (.*)\n/.exec(text) ?? []
  return { name, body: JSON.parse(said ?? "null"), text }
}

describe("an event stream", { timeout: 60_000 }, () => {
  it.live("stream: ends with 401 at once when its API key is revoked", () =>
    serving(
      tokens,
      async (url) => {
        const wanted = { label: "robot", userId: "robot", roles: ["commerce-integrator"] }
        const made = await call(url, "operator", "POST", "/admin/v1/keys.create", wanted)
        assert.strictEqual(made.status, 200, made.text)
        const opened = await call(url, made.body.token, "POST", "/v1/checkout-sessions", {
          cartId: "c",
          ownerId: "ann"
        })
        const path = `/v1/checkout-sessions/${opened.body.session.id}`
        const { body, name, text } = await lastEvent(url, made.body.token, opened.body.session.id, async () => {
          const revoked = await call(url, "operator", "POST", "/admin/v1/keys.revoke", { id: made.body.key.id })
          assert.strictEqual(revoked.status, 200, revoked.text)
          await call(url, "operator", "POST", `${path}/cancel`)
        })
        assert.strictEqual(name, "error")
        assert.deepInclude(body, { status: 401, code: "INVALID_SESSION_ID" })
        assert.notInclude(text, "event: change")
      },
      ["--api-keys"]
    )
  )

  it.live("stream: a buyer's stream ends at once with 'not found' when the cart gets another owner", () =>
    serving(tokens, async (url) => {
      const open = (ownerId: string) => call(url, "operator", "POST", "/v1/checkout-sessions", { cartId: "c", ownerId })
      const { session } = (await open("ann")).body
      const { body, name, text } = await lastEvent(url, "ann", session.id, () => open("bob"))
      assert.deepEqual([name, body._tag], ["error", "SessionInaccessible"])
      assert.notInclude(text, "event: change")
    })
  )
})
