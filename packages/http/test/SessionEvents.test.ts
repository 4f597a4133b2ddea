import { assert, describe, it as plain } from "@effect/vitest"
import { CheckoutSessions } from "@onelane/checkout"
import { Chunk, Context, Effect, Exit, Fiber, Layer, Scope, Stream } from "effect"
import * as CheckoutClient from "../src/CheckoutClient.js"
import { adapters, Base, byEveryAdapter, callers, newSession, send, update, world } from "./HttpWorld.js"

const heartbeatMillis = 20

byEveryAdapter("server-sent events", { limits: { heartbeatMillis } }, (it) => {
  const events = (id: string) => `/v1/checkout-sessions/${id}/events`

  /** Opens a stream and reads text until it holds `until`. */
  const listen = (path: string, until: string, headers: Record<string, string> = {}) =>
    Effect.flatMap(Base, ({ url }) =>
      Effect.promise(async (signal) => {
        const response = await fetch(url + path, { headers: { authorization: "Bearer buyer", ...headers }, signal })
        let text = ""
        for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
          text += chunk
          if (text.includes(until)) break
        }
        return { status: response.status, type: response.headers.get("content-type"), text }
      })
    )
  const idsOf = (text: string) => [...text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id))

  it.effect("E1 replays from the version given, goes on with what happens, and ends with the session", () =>
    Effect.gen(function* () {
      const { id } = yield* newSession
      yield* update(id, "Start", "Shipping Address")
      const listening = yield* Effect.fork(listen(`${events(id)}?afterVersion=0`, "event: end"))
      yield* update(id, "Shipping Address", "Inventory")
      yield* send("POST", `/v1/checkout-sessions/${id}/cancel`)
      const { status, type, text } = yield* Fiber.join(listening)
      assert.strictEqual(status, 200)
      assert.strictEqual(type, "text/event-stream")
      assert.deepStrictEqual(idsOf(text), [1, 2, 3, 4])
      assert.match(text, /event: end\ndata: \{\}\n\n$/)
    })
  )
  it.effect("E2 Last-Event-ID wins over the query, and 204 tells a browser not to come back", () =>
    Effect.gen(function* () {
      const { id } = yield* newSession
      yield* update(id, "Start", "Shipping Address")
      yield* send("POST", `/v1/checkout-sessions/${id}/cancel`)
      const path = `${events(id)}?afterVersion=0`
      const { text } = yield* listen(path, "event: end", { "last-event-id": "2" })
      assert.deepStrictEqual(idsOf(text), [3])
      const over = yield* send("GET", path, { headers: { "last-event-id": "3" } })
      assert.deepInclude(over, { status: 204, text: "" })
    })
  )
  it.effect("E3 without a version it starts from now, and a silent stream has a heartbeat", () =>
    Effect.gen(function* () {
      const { id } = yield* newSession
      const { text } = yield* listen(events(id), ": heartbeat\n\n: heartbeat\n\n")
      assert.deepStrictEqual(idsOf(text), [])
    })
  )
  it.effect("E4 refusals come before the stream, as problems", () =>
    Effect.gen(function* () {
      const { id } = yield* newSession
      const refused = yield* send("GET", events(id), { as: "stranger" })
      assert.deepInclude(refused.body, { status: 400, _tag: "SessionInaccessible" })
      const bad = yield* send("GET", `${events(id)}?afterVersion=soon`)
      assert.deepInclude(bad.body, { status: 400, _tag: "InvalidInput", fields: ["afterVersion"] })
      const unknown = yield* send("GET", `${events(id)}?since=1`)
      assert.deepInclude(unknown.body, { status: 400, _tag: "InvalidInput" })
    })
  )
  it.effect(
    "E7 an event id that the session has not reached is refused before the stream, also where it is archived",
    () =>
      Effect.gen(function* () {
        const { id } = yield* newSession
        const ahead = (version: number, current: number) =>
          Effect.gen(function* () {
            const headers = { "last-event-id": String(version) }
            const answers = [
              yield* send("GET", events(id), { headers }),
              yield* send("GET", `${events(id)}?afterVersion=${version}`),
              yield* send("GET", `/v1/checkout-sessions/${id}/history?afterVersion=${version}`)
            ]
            for (const { body, status } of answers) {
              assert.strictEqual(status, 409)
              assert.deepInclude(body, {
                _tag: "VersionAhead",
                code: "INVALID_INPUT",
                reason: "VERSION_AHEAD",
                applied: "no"
              })
              assert.deepInclude(body.current, { state: "Start", version: current })
            }
          })
        yield* ahead(2, 1)
        yield* send("POST", `/v1/checkout-sessions/${id}/cancel`)
        yield* ahead(3, 2)
      })
  )
  it.effect("E5 the client's changes are those of the service", () =>
    Effect.gen(function* () {
      const local = yield* CheckoutSessions.CheckoutSessions
      const { url } = yield* Base
      const sessions = yield* CheckoutClient.make({ url, token: "buyer" })
      const { id: checkoutSessionId } = yield* newSession
      const from = { checkoutSessionId, afterVersion: 0 }
      const following = yield* Effect.fork(Stream.runCollect(sessions.changes(callers.buyer, from)))
      yield* update(checkoutSessionId, "Start", "Shipping Address")
      yield* send("POST", `/v1/checkout-sessions/${checkoutSessionId}/cancel`)
      const followed = Chunk.toReadonlyArray(yield* Fiber.join(following))
      assert.strictEqual(followed.length, 3)
      assert.deepStrictEqual(followed, yield* local.history(callers.admin, from))
    })
  )
})

describe.each(adapters)("closing the server, by %s", (adapter) => {
  plain.live("E6 ends the streams that are open, saying that the server closes and not that their sessions ended", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const context = yield* Layer.buildWithScope(world({}, adapter), scope)
      const { url } = Context.get(context, Base)
      const { id } = yield* Effect.provide(newSession, context)
      const path = `/v1/checkout-sessions/${id}/events?afterVersion=0`
      const response = yield* Effect.promise(() => fetch(url + path, { headers: { authorization: "Bearer buyer" } }))
      const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
      let text = ""
      while (!text.includes("id: 1")) text += (yield* Effect.promise(() => reader.read())).value ?? ""
      const closing = yield* Effect.fork(Scope.close(scope, Exit.void))
      let rest = yield* Effect.promise(() => reader.read())
      while (!rest.done) {
        text += rest.value
        rest = yield* Effect.promise(() => reader.read())
      }
      assert.notInclude(text, "event: end")
      const problem = JSON.parse(/event: error\ndata: (.*)\n/.exec(text)![1]!)
      assert.deepInclude(problem, {
        _tag: "Overloaded",
        reason: "DRAINING",
        status: 503,
        retryable: true,
        applied: "no"
      })
      yield* Effect.timeout(Fiber.join(closing), "8 seconds")
    })
  )
})
