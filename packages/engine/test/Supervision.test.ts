import { assert, describe, it } from "@effect/vitest"
import { ActorSystem, JournalMemory } from "@onelane/engine"
import { Cause, Effect, Exit } from "effect"
import { add, counter, failureTag, makeSystem, memoryWith, over, type Refusal } from "./fixture.js"

describe("Supervision", () => {
  for (const throwIn of ["prepare", "decide", "evolve", "reply"] as const)
    it.scoped(`a defect in ${throwIn} fails that caller and never blocks the actor`, () =>
      Effect.gen(function* () {
        const system = yield* makeSystem
        yield* system.ask("a", add(0))
        const exit = yield* Effect.exit(system.ask("a", add(1, 1, { throwIn })))
        assert.isTrue(Exit.isFailure(exit) && Cause.isDie(exit.cause))
        assert.deepStrictEqual(yield* system.read("a"), { state: { value: 1 }, sequence: 1 })
        assert.strictEqual((yield* system.ask("a", add(1))).value, 2)
        assert.strictEqual(system.metrics.defects, 1)
      }).pipe(Effect.provide(over(JournalMemory.make())))
    )

  it.scoped("a defect in what the host hooked in does not reach the caller", () =>
    Effect.gen(function* () {
      const system = yield* ActorSystem.make(counter, {
        unavailable: (error): Refusal => error,
        onCommitted: () => {
          throw new Error("hook")
        }
      })
      assert.strictEqual((yield* system.ask("a", add(0))).value, 1)
      assert.strictEqual(system.metrics.defects, 1)
    }).pipe(Effect.provide(over(JournalMemory.make())))
  )

  it.scoped("a journal that throws is an unknown outcome, and the actor stays usable", () =>
    Effect.gen(function* () {
      const system = yield* makeSystem
      const error = failureTag(yield* Effect.exit(system.ask("a", add(0))))
      assert.deepInclude(error, { _tag: "JournalUnavailable", applied: "unknown", reason: "DEFECT" })
      assert.strictEqual((yield* system.read("a")).sequence, 0)
    }).pipe(
      Effect.provide(
        over(
          memoryWith({
            immediate: false,
            append: () => {
              throw new Error("disk")
            }
          })
        )
      )
    )
  )

  it.scoped("a state nobody can decode is a typed failure, not a reset", () => {
    const journal = JournalMemory.make()
    return Effect.gen(function* () {
      const address = { kind: "counter", id: "a" }
      yield* journal.append([{ address, expectedSequence: 0, events: [1], state: "torn", alarmMillis: null }])
      const system = yield* ActorSystem.make(
        {
          ...counter,
          decode: (stored) => {
            if (typeof stored !== "object") throw new Error("not a state")
            return counter.decode(stored)
          }
        },
        { unavailable: (error): Refusal => error }
      )
      assert.deepInclude(failureTag(yield* Effect.exit(system.ask("a", add(0)))), { reason: "CORRUPT", applied: "no" })
    }).pipe(Effect.provide(over(journal)))
  })
})
