import { assert, describe, it } from "@effect/vitest"
import { JournalMemory } from "@onelane/engine"
import { Effect, Fiber } from "effect"
import { add, makeSystem, over } from "./fixture.js"

const ticksUnder = (valveMillis: number) =>
  Effect.gen(function* () {
    const system = yield* makeSystem
    let stop = false
    const saturate = Effect.gen(function* () {
      while (!stop) yield* Effect.exit(system.ask("a", add(-1)))
    })
    const callers = yield* Effect.forkAll(Array.from({ length: 64 }, () => saturate))
    const ticks = yield* Effect.async<number>((resume) => {
      let count = 0
      const timer = setInterval(() => void count++, 10)
      const deadline = performance.now() + 2_000
      const watch = () => {
        if (performance.now() < deadline) return void setTimeout(watch, 5)
        stop = true
        clearInterval(timer)
        resume(Effect.succeed(count))
      }
      watch()
    })
    yield* Fiber.join(callers)
    return ticks
  }).pipe(Effect.scoped, Effect.provide(over(JournalMemory.make(), { valveMillis })))

describe("FairnessValve", () => {
  it.live("timers keep ticking under saturating in-process load", () =>
    Effect.gen(function* () {
      // 200 ticks of 10 ms fit into the two seconds: 176 on a quiet machine, 13 where ten others want its core, none without the valve.
      assert.isAtLeast(yield* ticksUnder(10), 5)
    })
  )
})
