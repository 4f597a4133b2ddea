/** The limits of the door at their edges: with a service that answers when it is told to, and over real HTTP. */
import { assert, describe, it } from "@effect/vitest"
import * as Checkout from "@onelane/checkout"
import { Caller, type CheckoutSessions } from "@onelane/checkout"
import { Deferred, Effect, Fiber, Layer, TestClock } from "effect"
import * as CheckoutServer from "../src/CheckoutServer.js"
import * as Admission from "../src/core/Admission.js"
import * as Authentication from "../src/core/Authentication.js"
import * as DoorMetrics from "../src/core/DoorMetrics.js"
import * as HttpCore from "../src/core/HttpCore.js"
import * as HttpLimits from "../src/core/HttpLimits.js"
import type { OnBody, WireRequest } from "../src/core/WireRequest.js"
import { Base, byEveryAdapter, newSession, send, update } from "./HttpWorld.js"

const ann = Caller.make("ann", ["buyer-checkout"])
const bob = Caller.make("bob", ["buyer-checkout"])

const get = (token = "ann"): WireRequest => ({
  method: "GET",
  path: "/v1/checkout-sessions/cs_1",
  query: "",
  headers: { authorization: `Bearer ${token}` },
  read: (_, onBody) => onBody("")
})

/** A door whose sessions are read once the gate is open. */
const doorWith = (options: CheckoutServer.Options, gate: Effect.Effect<void> = Effect.void) =>
  CheckoutServer.core(options).pipe(
    Effect.map((core) => (request: WireRequest) => HttpCore.ask(core, request)),
    Effect.provide(
      Layer.merge(
        Authentication.layerStatic({ ann, bob }),
        Layer.succeed(Checkout.CheckoutSessions.CheckoutSessions, {
          get: () => Effect.zipRight(gate, Effect.die("no session"))
        } as unknown as CheckoutSessions.CheckoutSessionsShape)
      )
    )
  )

describe("what is let in at once", () => {
  it.scoped("Q1 one request more than may be answered at once is a 503 with Retry-After, at once", () =>
    Effect.gen(function* () {
      const gate = yield* Deferred.make<void>()
      const metrics = DoorMetrics.make()
      const door = yield* doorWith({ limits: { requestsMaxCount: 2 }, metrics }, Deferred.await(gate))
      const inside = yield* Effect.forEach([1, 2], () => Effect.fork(door(get())))
      yield* Effect.repeat(Effect.yieldNow(), { until: () => metrics.inside().requests === 2 })
      const refused = yield* door(get())
      assert.strictEqual(refused.status, 503)
      assert.strictEqual(refused.headers["retry-after"], "1")
      assert.deepInclude(JSON.parse(refused.body as string), { code: "SERVER_UNAVAILABLE", applied: "no" })
      yield* Fiber.interrupt(inside[0]!)
      assert.strictEqual(metrics.inside().requests, 1)
      yield* Deferred.succeed(gate, undefined)
      assert.strictEqual((yield* Fiber.join(inside[1]!)).status, 500)
      assert.strictEqual((yield* door(get())).status, 500)
      assert.deepStrictEqual(
        [...metrics.refusals],
        [
          ["SERVER_UNAVAILABLE", 1],
          ["StorageUnavailable", 2]
        ]
      )
      assert.strictEqual(metrics.inside().requests, 0)
    })
  )

  it.scoped("Q2 bodies being read at once are bounded in bytes, whether or not they say their length", () =>
    Effect.gen(function* () {
      const metrics = DoorMetrics.make()
      const door = yield* doorWith({ limits: { bodiesMaxBytes: 100, bodyMaxBytes: 60 }, metrics })
      const reading: Array<OnBody> = []
      const post = (length?: number): WireRequest => ({
        ...get(),
        method: "POST",
        path: "/v1/checkout-sessions",
        headers: {
          authorization: "Bearer ann",
          "content-type": "application/json",
          ...(length === undefined ? {} : { "content-length": String(length) })
        },
        read: (_, onBody) => void reading.push(onBody)
      })
      const unknown = yield* Effect.fork(door(post()))
      yield* Effect.yieldNow()
      assert.strictEqual(metrics.inside().bodyBytes, 60)
      assert.strictEqual((yield* door(post(41))).status, 503)
      const known = yield* Effect.fork(door(post(40)))
      yield* Effect.yieldNow()
      assert.strictEqual(metrics.inside().bodyBytes, 100)
      yield* Fiber.interrupt(known)
      assert.strictEqual(metrics.inside().bodyBytes, 60)
      reading[0]!("[]")
      assert.strictEqual((yield* Fiber.join(unknown)).status, 400)
      reading[1]!("[]")
      assert.deepStrictEqual(metrics.inside(), { requests: 0, bodyBytes: 0, streams: 0, waits: 0 })
    })
  )

  it.scoped("Q3 a caller who calls too often is a 429 that says when to come back; others are not touched", () =>
    Effect.gen(function* () {
      const door = yield* doorWith({ limits: { callsPerSecond: 2, burstCount: 3 } })
      const statusOf = (token: string) => Effect.map(door(get(token)), ({ status }) => status)
      const together = yield* Effect.all(
        [1, 2, 3, 4, 5].map(() => statusOf("ann")),
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(together, [500, 500, 500, 429, 429])
      const refused = yield* door(get())
      assert.strictEqual(refused.headers["retry-after"], "1")
      assert.deepInclude(JSON.parse(refused.body as string), { code: "REQUEST_LIMIT_EXCEEDED", retryable: true })
      assert.strictEqual(yield* statusOf("bob"), 500)
      yield* TestClock.adjust("500 millis")
      assert.deepStrictEqual([yield* statusOf("ann"), yield* statusOf("ann")], [500, 429])
      assert.strictEqual(yield* statusOf("forged"), 401)
    })
  )

  it("Q4 streams of one caller are bounded, and free again when they end", () => {
    const admission = Admission.make({ ...HttpLimits.defaults, streamsMaxCount: 2 })
    const taken = [1, 2, 3].map(() => admission.openStream(ann)?.status)
    assert.deepStrictEqual(taken, [undefined, undefined, 429])
    assert.isNull(admission.openStream(bob))
    assert.strictEqual(admission.now().streams, 3)
    admission.closeStream(ann)
    assert.isNull(admission.openStream(ann))
    assert.strictEqual(admission.openStream(ann)?.status, 429)
  })
})

byEveryAdapter("limits over HTTP", { limits: { streamsMaxCount: 2, inputsMaxCount: 3 } }, (it) => {
  it.effect("Q5 an event stream too many is a problem before the stream; one that was left makes room", () =>
    Effect.gen(function* () {
      const { url } = yield* Base
      const { id } = yield* newSession
      const path = `/v1/checkout-sessions/${id}/events?afterVersion=0`
      const follow = Effect.promise(async () => {
        const leaving = new AbortController()
        const headers = { authorization: "Bearer buyer" }
        const response = await fetch(url + path, { headers, signal: leaving.signal })
        return { response, leave: () => leaving.abort() }
      })
      const first = yield* follow
      const second = yield* follow
      assert.deepStrictEqual([first.response.status, second.response.status], [200, 200])
      const third = yield* send("GET", path)
      assert.deepInclude(third.body, { status: 429, code: "REQUEST_LIMIT_EXCEEDED", applied: "no" })
      assert.strictEqual(third.headers["retry-after"], "1")
      first.leave()
      const again = yield* Effect.repeat(follow, { until: ({ response }) => response.status === 200, times: 100 })
      assert.strictEqual(again.response.status, 200)
      again.leave()
      second.leave()
    })
  )
  it.effect("Q6 inputs of one call are bounded", () =>
    Effect.gen(function* () {
      const path = "/services/data/v62.0/actions/standard/checkoutSessionAction"
      const call = (count: number) => send("POST", path, { body: { inputs: Array(count).fill({ cartId: "none" }) } })
      assert.strictEqual((yield* call(3)).body.length, 3)
      const over = yield* call(4)
      assert.deepStrictEqual([over.status, over.body[0].errorCode], [400, "LIMIT_EXCEEDED"])
    })
  )
  it.effect("W6 a body nested a hundred thousand deep is over the limit like any other", () =>
    Effect.gen(function* () {
      const { id } = yield* newSession
      const deep = `${"[".repeat(100_000)}${"]".repeat(100_000)}`
      const paths = [
        `/v1/checkout-sessions/${id}/update`,
        "/services/data/v62.0/actions/standard/checkoutSessionAction"
      ]
      for (const path of paths) {
        for (const body of [deep, `{"inputs":${deep}}`, '{"a":'.repeat(100_000)]) {
          const answer = yield* send("POST", path, { body, headers: { "content-type": "application/json" } })
          assert.strictEqual(answer.status, 400)
          assert.include(answer.text, "LIMIT_EXCEEDED")
          assert.isBelow(answer.text.length, 500)
        }
      }
    })
  )
  it.effect("W12 every answer tells a browser to guess, show and run nothing", () =>
    Effect.gen(function* () {
      const { id } = yield* newSession
      const moved = yield* update(id, "Start", "Shipping Address")
      for (const answer of [moved, yield* send("GET", "/v1/nothing"), yield* send("GET", "/none", { as: null })]) {
        assert.strictEqual(answer.headers["x-content-type-options"], "nosniff")
        assert.strictEqual(answer.headers["content-security-policy"], "default-src 'none'; frame-ancestors 'none'")
        assert.strictEqual(answer.headers["referrer-policy"], "no-referrer")
        assert.notProperty(answer.headers, "access-control-allow-origin")
      }
    })
  )
})

byEveryAdapter("CORS", { corsOrigins: ["https://shop.example"] }, (it) => {
  it.effect("C1 named origins may call and read, and preflight needs no token; others are told nothing", () =>
    Effect.gen(function* () {
      const path = "/v1/checkout-sessions/x"
      const preflight = (origin: string) =>
        send("OPTIONS", path, { as: null, headers: { origin, "access-control-request-method": "POST" } })
      const allowed = yield* preflight("https://shop.example")
      assert.strictEqual(allowed.status, 204)
      assert.strictEqual(allowed.headers["access-control-allow-origin"], "https://shop.example")
      assert.match(allowed.headers["access-control-allow-headers"]!, /Authorization.*Idempotency-Key/)
      const read = yield* send("GET", path, { headers: { origin: "https://shop.example" } })
      assert.match(read.headers["access-control-expose-headers"]!, /ETag/)
      for (const origin of ["https://evil.example", "null", "https://shop.example.evil.example"]) {
        const refused = yield* preflight(origin)
        assert.strictEqual(refused.status, 401)
        assert.notProperty(refused.headers, "access-control-allow-origin")
        assert.strictEqual(refused.headers.vary, "Origin")
      }
    })
  )
})
