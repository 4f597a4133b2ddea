/** Tokens of `Onelane.connect`: functions that give them, and what a refused one means to a call that is tried again. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { Caller, CheckoutSessions } from "@onelane/checkout"
import { Onelane, type RemoteOptions } from "@onelane/sdk"
import { Effect } from "effect"
import { toInventory } from "./fixture.js"

type Respond = (response: ServerResponse, request: IncomingMessage) => void

/** A server that answers one request after the other as told, the last of them for ever. */
const answering = async (answers: ReadonlyArray<Respond>, test: (url: string) => Promise<void>): Promise<void> => {
  let asked = 0
  const server = createServer((request, response) => {
    answers[Math.min(asked++, answers.length - 1)]!(response, request)
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  try {
    await test(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  } finally {
    server.closeAllConnections()
    server.close()
  }
}

const problem = { _tag: "AdapterError", code: "INVALID_SESSION_ID", applied: "no", retryable: false, status: 401 }
const refuse: Respond = (response) =>
  response
    .writeHead(401, { "content-type": "application/problem+json" })
    .end(JSON.stringify({ ...problem, type: "urn:onelane:problem:invalid-session-id", detail: "Session expired" }))
const lose: Respond = (response) => response.destroy()

const update = toInventory("cs_1")
const retry = { limit: 4, baseMillis: 1, maxMillis: 2 }

const erred = async (options: RemoteOptions<"b2b">) => {
  await using checkout = await Onelane.connect({ ...options, retry })
  const answer = await checkout.update(update)
  return answer.ok ? assert.fail("accepted") : answer.error
}

describe("a refused token", () => {
  it("is an error of its own, certainly not applied, over both doors", () =>
    answering([refuse], async (url) => {
      const refused = {
        _tag: "NotAuthenticated",
        reason: "TOKEN_REFUSED",
        applied: "no",
        message: "Session expired"
      } as const
      assert.deepInclude(await erred({ url, token: "t" }), refused)
      const send = Effect.flatMap(CheckoutSessions.CheckoutSessions, (sessions) => sessions.update(Caller.host, update))
      const layer = Onelane.layerRemote({ url, token: () => "t", retry })
      assert.deepInclude(await Effect.runPromise(Effect.flip(Effect.provide(send, layer))), refused)
    }))

  for (const [title, token] of [
    ["a text", "t"],
    ["a function", () => "t"]
  ] as const)
    it(`settles nothing after a lost answer: the outcome stays unknown, and the refusal is kept (${title})`, () =>
      answering([lose, refuse], async (url) => {
        const error = await erred({ url, token })
        assert.deepInclude(error, { _tag: "StorageUnavailable", reason: "OUTCOME_UNKNOWN", applied: "unknown" })
        assert.deepInclude("last" in error ? error.last : {}, { _tag: "NotAuthenticated" })
      }))

  it("a token function that fails after a lost answer leaves the outcome unknown as well", () =>
    answering([lose], async (url) => {
      let asked = 0
      const token = () => {
        if (asked++ > 0) throw new Error("the identity provider is down")
        return "t"
      }
      // The first token is kept, so the function is asked again only after a 401.
      assert.deepInclude(await erred({ url, token }), { reason: "CONNECTION_LOST", applied: "unknown" })
      await answering([lose, refuse], async (url) => {
        asked = 0
        const error = await erred({ url, token })
        assert.deepInclude(error, { reason: "OUTCOME_UNKNOWN", applied: "unknown" })
        assert.deepInclude("last" in error ? error.last : {}, { reason: "TOKEN_UNAVAILABLE" })
      })
    }))

  it("a watched session goes on under a new token when the old one expires", () => {
    const event = (name: string, body: object): string => `event: ${name}\ndata: ${JSON.stringify(body)}\n\n`
    const tokens: Array<string | undefined> = []
    const stream =
      (text: string): Respond =>
      (response, request) => {
        tokens.push(request.headers.authorization)
        response.writeHead(200, { "content-type": "text/event-stream" }).end(text)
      }
    const expired = event("error", { ...problem, detail: "Session expired" })
    return answering([stream(expired), stream(event("end", {}))], async (url) => {
      let asked = 0
      await using checkout = await Onelane.connect({ url, token: async () => `t${++asked}`, retry })
      for await (const entry of checkout.changes({ checkoutSessionId: "cs_1", afterVersion: 3 }))
        assert.fail(entry.type)
      assert.deepStrictEqual(tokens, ["Bearer t1", "Bearer t2"])
    })
  })
})
