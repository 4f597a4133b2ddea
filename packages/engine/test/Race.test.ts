import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Exit, Fiber } from "effect"
import * as Race from "../src/runtime/Race.js"

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index)
const everyWay = upTo(48).flatMap((more) => upTo(12).map((steps) => ({ operations: 12 + more, steps })))

describe("Race", () => {
  it.effect("the first to end decides, and the other one has ended by then", () =>
    Effect.gen(function* () {
      let isLeft = false
      const slow = Effect.onInterrupt(Effect.never, () => Effect.sync(() => void (isLeft = true)))
      assert.strictEqual(yield* Race.first(Effect.as(Effect.yieldNow(), "won"), slow), "won")
      assert.isTrue(isLeft)
      assert.deepStrictEqual(yield* Effect.exit(Race.first(Effect.never, Effect.fail("lost"))), Exit.fail("lost"))
      assert.strictEqual(yield* Race.first(Effect.succeed("at once"), Effect.never), "at once")
    })
  )

  it.live("ends whenever it is interrupted, between any two of its first steps", () =>
    Effect.gen(function* () {
      // A fiber gives way after so many operations, and an interruption can arrive then: between any two of them.
      for (const { operations, steps } of everyWay) {
        const racing = Effect.withMaxOpsBeforeYield(Race.first(Effect.never, Effect.never), operations)
        const fiber = yield* Effect.forkDaemon(racing)
        for (let step = 0; step < steps; step++) yield* Effect.yieldNow()
        assert.isTrue(Exit.isInterrupted(yield* Fiber.interrupt(fiber)))
      }
    })
  )

  it.effect("both run with the services of the caller", () =>
    Effect.gen(function* () {
      class Word extends Context.Tag("Word")<Word, string>() {}
      assert.strictEqual(yield* Effect.provideService(Race.first(Word, Effect.never), Word, "given"), "given")
    })
  )
})
