import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, TestClock } from "effect"
import * as Deadline from "../src/core/Deadline.js"

const late = Deadline.within(100, () => "late" as const)

describe("Deadline", () => {
  it.effect("deadline: an answer in time is given as it is, and so is a failure", () =>
    Effect.gen(function* () {
      const answered = yield* Effect.fork(late(Effect.delay(Effect.succeed("here"), 99)))
      const failed = yield* Effect.fork(Effect.exit(late(Effect.delay(Effect.fail("broken"), 99))))
      yield* TestClock.adjust("99 millis")
      assert.strictEqual(yield* Fiber.join(answered), "here")
      assert.deepStrictEqual(yield* Fiber.join(failed), Exit.fail("broken"))
    })
  )

  it.effect("deadline: a call that is late fails, and is interrupted", () =>
    Effect.gen(function* () {
      let isInterrupted = false
      const hanging = Effect.onInterrupt(Effect.never, () =>
        Effect.sync(() => {
          isInterrupted = true
        })
      )
      const waiting = yield* Effect.fork(Effect.flip(late(hanging)))
      yield* TestClock.adjust("100 millis")
      assert.strictEqual(yield* Fiber.join(waiting), "late")
      assert.isTrue(isInterrupted)
    })
  )

  it.effect("deadline: an interruption ends the call", () =>
    Effect.gen(function* () {
      let isInterrupted = false
      const hanging = Effect.onInterrupt(Effect.never, () =>
        Effect.sync(() => {
          isInterrupted = true
        })
      )
      const waiting = yield* Effect.fork(late(hanging))
      yield* Effect.yieldNow()
      yield* Fiber.interrupt(waiting)
      assert.isTrue(isInterrupted)
    })
  )
})
