import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { faultOf, type TaskContext } from "../src/flow/Task.js"
import { worked } from "./worked.js"

const context = { requestId: "req_1" } as TaskContext
const work = (run: unknown) => worked(run, context)
const failureOf = (rejection: unknown) => Effect.flip(work(() => Promise.reject(rejection)))

const open = { final: false, applied: "unknown" } as const

describe("Task", () => {
  it.effect("a promise that resolves is a success, and it saw the context", () =>
    Effect.gen(function* () {
      const run = async ({ requestId }: TaskContext) => ({ orderId: `order-of-${requestId}` })
      assert.deepStrictEqual(yield* work(run), { orderId: "order-of-req_1", next: null })
    })
  )

  it.effect("a promise that rejects is a failure: typed where it says so, FAILED otherwise", () =>
    Effect.gen(function* () {
      const declined = { code: "DECLINED", message: "no funds", final: true, applied: "no" } as const
      assert.deepStrictEqual(yield* failureOf(declined), declined)
      const refused = Object.assign(new Error("connect refused"), { code: "ECONNREFUSED" })
      assert.deepStrictEqual(yield* failureOf(refused), {
        code: "ECONNREFUSED",
        message: "connect refused",
        ...open
      })
      assert.deepStrictEqual(yield* failureOf(new Error("no")), { code: "FAILED", message: "no", ...open })
      assert.deepStrictEqual(yield* failureOf("no"), { code: "FAILED", message: "no", ...open })
      assert.deepStrictEqual(yield* failureOf(undefined), { code: "FAILED", message: "undefined", ...open })
      const unreadable = new Proxy({}, { get: () => assert.fail("read") })
      assert.deepInclude(yield* failureOf(unreadable), { code: "FAILED", ...open })
    })
  )

  it.effect("an interrupted promise is not waited for", () =>
    Effect.gen(function* () {
      const fiber = yield* Effect.fork(work(() => new Promise<void>(() => {})))
      yield* Effect.yieldNow()
      assert.isTrue((yield* Fiber.interrupt(fiber))._tag === "Failure")
    })
  )

  it("a task names its bounds and is refused beyond them", () => {
    assert.isNull(faultOf({}))
    assert.match(faultOf({ dedlineMillis: 5 } as object) ?? "", /^there is no dedlineMillis; there are run, /)
    assert.strictEqual(faultOf({ run: 5 } as object), "run must be a function")
    assert.strictEqual(faultOf({ repeatable: "no" } as object), "repeatable must be true or false")
    assert.isNull(faultOf({ deadlineMillis: 86_400_000, retry: { limit: 100, baseMillis: 0, maxMillis: 86_400_000 } }))
    for (const deadlineMillis of [0, -1, 1.5, 86_400_001, Number.NaN, Number.POSITIVE_INFINITY])
      assert.match(faultOf({ deadlineMillis }) ?? "", /^deadlineMillis/)
    for (const limit of [-1, 101, 0.5]) assert.match(faultOf({ retry: { limit } }) ?? "", /^retry.limit/)
    for (const millis of [-1, 86_400_001, Number.NaN]) {
      assert.match(faultOf({ retry: { baseMillis: millis } }) ?? "", /^retry.baseMillis/)
      assert.match(faultOf({ retry: { maxMillis: millis } }) ?? "", /^retry.maxMillis/)
    }
  })
})
