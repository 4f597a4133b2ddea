/** The web handler without any server: requests and responses as values. */
import { assert, describe, it } from "@effect/vitest"
import * as Checkout from "@onelane/checkout"
import { Caller, type CheckoutSessions } from "@onelane/checkout"
import { Effect, Layer } from "effect"
import * as CheckoutServer from "../src/CheckoutServer.js"
import * as Authentication from "../src/core/Authentication.js"
import * as DoorMetrics from "../src/core/DoorMetrics.js"

const path = "http://localhost/v1/checkout-sessions"
const headers = { authorization: "Bearer ann", "content-type": "application/json" }

/** A handler whose sessions are opened by `open`. */
const handling = (open: () => Effect.Effect<never>, options: CheckoutServer.Options = {}) =>
  CheckoutServer.web(options).pipe(
    Effect.provide(
      Layer.merge(
        Authentication.layerStatic({ ann: Caller.make("ann", ["buyer-checkout"]) }),
        Layer.succeed(Checkout.CheckoutSessions.CheckoutSessions, {
          open
        } as unknown as CheckoutSessions.CheckoutSessionsShape)
      )
    )
  )

describe("WebHandler", () => {
  it.scoped("withdraws the call of a request that is aborted, and answers it with nothing", () =>
    Effect.gen(function* () {
      let withdrawn = 0
      const metrics = DoorMetrics.make()
      const gone = Effect.sync(() => {
        withdrawn += 1
      })
      const handle = yield* handling(() => Effect.onInterrupt(Effect.never, () => gone), { metrics })
      const leaving = new AbortController()
      const init = { method: "POST", headers, body: "{}", signal: leaving.signal }
      const answering = handle(new Request(path, init))
      yield* Effect.repeat(
        Effect.promise(() => Promise.resolve()),
        { until: () => metrics.inside().bodyBytes === 0, times: 100 }
      )
      leaving.abort()
      const answer = yield* Effect.promise(() => answering)
      assert.strictEqual(answer.status, 499)
      yield* Effect.yieldNow()
      assert.strictEqual(metrics.inside().requests, 0)
      const late = yield* Effect.promise(() => handle(new Request(path, { ...init, signal: AbortSignal.abort() })))
      assert.strictEqual(late.status, 499)
      assert.strictEqual(metrics.answers.size, 0)
      assert.isAtLeast(withdrawn, 1)
    })
  )

  it.scoped("refuses a body over the limit without its length, and reads no further", () =>
    Effect.gen(function* () {
      const handle = yield* handling(() => Effect.never, { limits: { bodyMaxBytes: 10 } })
      let pulled = 0
      let isCancelled = false
      const body = new ReadableStream({
        pull: (controller) => {
          pulled += 1
          controller.enqueue(new Uint8Array(8))
        },
        cancel: () => {
          isCancelled = true
        }
      })
      const request = new Request(path, { method: "POST", headers, body, duplex: "half" } as RequestInit)
      const answer = yield* Effect.promise(() => handle(request))
      assert.strictEqual(answer.status, 413)
      assert.isBelow(pulled, 5)
      assert.isTrue(isCancelled)
    })
  )

  it.scoped("answers HEAD with the headers of GET and no body", () =>
    Effect.gen(function* () {
      const handle = yield* handling(() => Effect.never)
      const [get, head] = yield* Effect.promise(() =>
        Promise.all(["GET", "HEAD"].map((method) => handle(new Request("http://localhost/openapi.json", { method }))))
      )
      assert.deepStrictEqual([...head!.headers], [...get!.headers])
      assert.strictEqual(yield* Effect.promise(() => head!.text()), "")
      assert.isAbove(Number(get!.headers.get("content-length")), 1_000)
    })
  )
})
