import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Fiber } from "effect"
import * as VirtualClock from "../src/machine/VirtualClock.js"

describe("VirtualClock", () => {
  it.effect("stands still until it is advanced, then jumps to the next sleeper", () => {
    const clock = VirtualClock.make(1_000)
    const woken: Array<number> = []
    const sleeper = (millis: number) =>
      Effect.sleep(millis).pipe(
        Effect.zipRight(Clock.currentTimeMillis),
        Effect.map((now) => woken.push(now))
      )
    return Effect.gen(function* () {
      const fibers = yield* Effect.all([
        Effect.fork(sleeper(50)),
        Effect.fork(sleeper(3_600_000)),
        Effect.fork(sleeper(20))
      ])
      const left = yield* Effect.fork(sleeper(30))
      yield* Effect.yieldNow()
      yield* Fiber.interrupt(left)
      const advanced: Array<boolean> = []
      for (let turn = 0; turn < 4; turn++) {
        advanced.push(clock.advance())
        yield* Effect.yieldNow()
      }
      yield* Fiber.joinAll(fibers)
      assert.deepStrictEqual(woken, [1_020, 1_050, 3_601_000])
      assert.deepStrictEqual(advanced, [true, true, true, false])
    }).pipe(Effect.withClock(clock))
  })

  it.effect("is set forward and back without waking anybody earlier or later", () => {
    const clock = VirtualClock.make(1_000)
    return Effect.gen(function* () {
      const fiber = yield* Effect.fork(Effect.zipRight(Effect.sleep(50), Clock.currentTimeMillis))
      yield* Effect.yieldNow()
      clock.jump(600_000)
      clock.jump(-1_000)
      assert.strictEqual(yield* Clock.currentTimeMillis, 600_000)
      assert.isTrue(clock.advance())
      assert.strictEqual(yield* Fiber.join(fiber), 600_050)
    }).pipe(Effect.withClock(clock))
  })
})
