/** Traces through the door: from the caller's span to the call of the service, and nothing at all when they are off. */
import { assert, describe, it, layer } from "@effect/vitest"
import { CheckoutSessions } from "@onelane/checkout"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as Tracer from "effect/Tracer"
import * as CheckoutClient from "../src/CheckoutClient.js"
import { sampler } from "../src/core/Tracing.js"
import { Base, callers, newSession, send, update, world } from "./HttpWorld.js"

/** The tracer in force, and every span it was asked for. */
const recording = () => {
  const spans: Array<Tracer.Span> = []
  let ids = 0
  const tracer = Tracer.make({
    span: (name, parent, context, links, startTime, kind) => {
      const attributes = new Map<string, unknown>()
      let status: Tracer.SpanStatus = { _tag: "Started", startTime }
      const hex = (length: number) => (++ids).toString(16).padStart(length, "0")
      const span: Tracer.Span = {
        _tag: "Span",
        name,
        spanId: hex(16),
        traceId: Option.match(parent, { onNone: () => hex(32), onSome: ({ traceId }) => traceId }),
        parent,
        context,
        links,
        kind,
        sampled: true,
        attributes,
        get status() {
          return status
        },
        end: (endTime, exit) => {
          status = { _tag: "Ended", startTime, endTime, exit }
        },
        attribute: (key, value) => void attributes.set(key, value),
        event: () => {},
        addLinks: () => {}
      }
      spans.push(span)
      return span
    },
    context: (run) => run()
  })
  return { spans, tracing: Layer.setTracer(tracer) }
}

const live = { excludeTestServices: true } as const
const traceId = "0af7651916cd43dd8448eb211c80319c"
const traceparent = `00-${traceId}-b7ad6b7169203331-01`
const parentOf = ({ parent }: Tracer.Span) => Option.getOrNull(parent)
const failed = ({ status }: Tracer.Span) => status._tag === "Ended" && status.exit._tag === "Failure"

describe("traces", () => {
  const on = recording()
  layer(Layer.provideMerge(world({ tracing: true }), on.tracing), live)("wanted", (it) => {
    it.effect("O3 go on from the traceparent of a request, through its span, to the call of the service", () =>
      Effect.gen(function* () {
        const { id } = yield* newSession
        on.spans.length = 0
        const accepted = yield* update(id, "Start", "Inventory", { headers: { traceparent } })
        const refused = yield* update(id, "Start", "Inventory", { headers: { traceparent } })
        assert.deepStrictEqual([accepted.status, refused.status], [200, 409])
        const [request, call, second, refusal] = on.spans
        assert.lengthOf(on.spans, 4)
        assert.deepInclude(parentOf(request!), { spanId: "b7ad6b7169203331", traceId })
        assert.strictEqual(parentOf(call!), request)
        assert.strictEqual(parentOf(refusal!), second)
        for (const span of on.spans) {
          assert.strictEqual(span.traceId, traceId)
          assert.strictEqual(span.status._tag, "Ended")
          assert.isFalse(failed(span), "a refusal is an answer")
        }
        assert.strictEqual(call!.name, "CheckoutSessions.update")
        const { requestId } = accepted.body
        assert.deepStrictEqual(Object.fromEntries(call!.attributes), { checkoutSessionId: id, requestId })
        assert.strictEqual(request!.attributes.get("requestId"), requestId)
        assert.deepStrictEqual(Object.fromEntries(refusal!.attributes), {
          checkoutSessionId: id,
          refused: "ExpectedStateMismatch",
          reason: "STATE_MISMATCH"
        })
        assert.deepStrictEqual([...request!.attributes.keys()].sort(), [
          "http.request.method",
          "http.response.status_code",
          "requestId",
          "url.path"
        ])
      })
    )
    it.effect("O3 begin anew where the traceparent is none", () =>
      Effect.gen(function* () {
        for (const odd of [
          "",
          "00-xyz-1-01",
          `00-${"0".repeat(31)}-b7ad6b7169203331-01`,
          "zz",
          `${traceparent}-more`
        ]) {
          on.spans.length = 0
          assert.strictEqual((yield* send("GET", "/v1/nothing", { headers: { traceparent: odd } })).status, 404)
          assert.isNull(parentOf(on.spans[0]!), odd)
        }
      })
    )
    it.effect("go along with a call of a client that is traced, and a client that is not begins none", () =>
      Effect.gen(function* () {
        const { id } = yield* newSession
        const { url } = yield* Base
        const client = yield* CheckoutClient.make({ url, token: "buyer" })
        const read = client.get(callers.buyer, { checkoutSessionId: id })
        on.spans.length = 0
        yield* Effect.withSpan(read, "shop")
        assert.deepStrictEqual(
          on.spans.map(({ name }) => name),
          ["shop", "http.client GET", "http.server GET", "CheckoutSessions.get"]
        )
        assert.lengthOf([...new Set(on.spans.map(({ traceId }) => traceId))], 1)
        assert.deepStrictEqual(Object.fromEntries(on.spans[1]!.attributes), {
          "http.request.method": "GET",
          "url.path": `/v1/checkout-sessions/${id}`,
          "http.response.status_code": 200
        })
        assert.strictEqual(parentOf(on.spans[2]!)?.spanId, on.spans[1]!.spanId)
        on.spans.length = 0
        yield* read
        assert.deepStrictEqual(
          on.spans.map(({ name, parent }) => [name, parent._tag]),
          [
            ["http.server GET", "None"],
            ["CheckoutSessions.get", "Some"]
          ]
        )
      })
    )
    it.effect("tell no header and no query, of a request or of a client's call", () =>
      Effect.gen(function* () {
        const { id } = yield* newSession
        const { url } = yield* Base
        on.spans.length = 0
        const secret = "s3cr3t"
        const headers = { "x-forwarded-access-token": secret, cookie: `a=${secret}`, "user-agent": secret }
        yield* send("GET", `/v1/checkout-sessions/${id}?access_token=${secret}`, { headers })
        yield* send("GET", `/docs?access_token=${secret}`, { headers })
        yield* send("GET", `/v1/nothing?access_token=${secret}#${secret}`, { headers })
        const options = { url: url.replace("http://", `http://user:${secret}@`), token: secret }
        const client = yield* CheckoutClient.make(options)
        const called = client.history(callers.buyer, { checkoutSessionId: id, afterVersion: 424_242 })
        yield* Effect.ignore(Effect.withSpan(called, "shop"))
        assert.isAbove(on.spans.length, 4)
        for (const { attributes, name } of on.spans) {
          const told = JSON.stringify([name, ...attributes])
          assert.notInclude(told, secret)
          assert.notInclude(told, "424242")
          assert.isEmpty([...attributes.keys()].filter((key) => key.includes("header") || key.includes("query")))
        }
      })
    )
    it.effect("follow a stream to its end", () =>
      Effect.gen(function* () {
        const { id } = yield* newSession
        on.spans.length = 0
        yield* send("POST", `/v1/checkout-sessions/${id}/cancel`)
        yield* send("GET", `/v1/checkout-sessions/${id}/events?afterVersion=0`)
        const names = on.spans.map(({ name }) => name)
        assert.includeMembers(names, [
          "CheckoutSessions.cancel",
          "CheckoutSessions.history",
          "CheckoutSessions.changes"
        ])
        assert.isTrue(on.spans.every(({ status }) => status._tag === "Ended"))
      })
    )
  })

  const some = recording()
  layer(Layer.provideMerge(world({ tracing: 0 }), some.tracing), live)(
    "wanted of no request that does not say so",
    (it) => {
      it.effect("O3 follow the flag of a traceparent", () =>
        Effect.gen(function* () {
          const { id } = yield* newSession
          const answered = (flags: string) =>
            send("GET", `/v1/checkout-sessions/${id}?access_token=buyer`, {
              headers: { traceparent: traceparent.replace(/01$/, flags), "x-forwarded-access-token": "buyer" }
            })
          some.spans.length = 0
          yield* send("GET", `/v1/checkout-sessions/${id}`)
          yield* answered("00")
          assert.deepStrictEqual(some.spans, [])
          yield* answered("01")
          assert.strictEqual(some.spans[0]?.name, "http.server GET")
          for (const { attributes } of some.spans) assert.notInclude(JSON.stringify([...attributes]), "buyer")
          yield* answered("ff")
          assert.isTrue(some.spans.every(({ traceId: id }) => id === traceId))
        })
      )
    }
  )

  const off = recording()
  layer(Layer.provideMerge(world(), off.tracing), live)("not wanted", (it) => {
    it.effect("ask no tracer anything, whatever is called, with or without a traceparent", () =>
      Effect.gen(function* () {
        const { id } = yield* newSession
        const sessions = yield* CheckoutSessions.CheckoutSessions
        const headers = { traceparent }
        yield* update(id, "Start", "Inventory", { headers })
        yield* update(id, "Start", "Inventory")
        yield* update(id, "Inventory", "Confirm Price")
        yield* send("GET", `/v1/checkout-sessions/${id}`, { headers })
        yield* send("POST", `/v1/checkout-sessions/${id}/cancel`)
        yield* send("GET", `/v1/checkout-sessions/${id}/events?afterVersion=0`)
        yield* send("POST", "/services/data/v62.0/actions/standard/updateCheckoutSessionAction", {
          body: { inputs: [{ checkoutSessionId: id, expCurrentState: "Start", nextState: "Inventory" }] }
        })
        yield* Stream.runDrain(sessions.changes(callers.buyer, { checkoutSessionId: id, afterVersion: 0 }))
        assert.deepStrictEqual(off.spans, [])
      })
    )
  })
})

describe("sampler", () => {
  it("says yes about as often as its ratio, never at 0 and always at 1", () => {
    const yes = (ratio: number) => {
      const isSampled = sampler(ratio)
      return Array.from({ length: 100_000 }, isSampled).filter(Boolean).length
    }
    assert.deepStrictEqual([yes(0), yes(1)], [0, 100_000])
    assert.closeTo(yes(0.01), 1_000, 300)
    assert.closeTo(yes(0.5), 50_000, 2_000)
  })
})
