/** What a listener is told of refused commands, and when. */
import { assert, describe, it } from "@effect/vitest"
import { ActorSystem, Journal, JournalMemory } from "@onelane/engine"
import { Effect, Exit, Fiber } from "effect"
import { type Add, add, type Count, counter, heldJournal, nextTick, over, type Refusal } from "./fixture.js"

/** A system, and what it told of refusals. */
const telling = (onRefused?: () => void) => {
  const told: Array<readonly [id: string, expect: number | null, refusal: Refusal, state: Count]> = []
  const system = ActorSystem.make(counter, {
    unavailable: (error): Refusal => error,
    onRefused: (id, command: Add, refusal, state) => {
      told.push([id, command.expect, refusal, state])
      onRefused?.()
    }
  })
  return Effect.map(system, (made) => ({ ...made, told }))
}

const mismatch = (value: number): Refusal => ({ _tag: "Mismatch", value })

describe("a listener of refusals", () => {
  it.scoped("is told the command, the refusal and the state it rests on, and nothing of what was accepted", () =>
    Effect.gen(function* () {
      const system = yield* telling()
      yield* system.ask("a", add(0))
      yield* Effect.flip(system.ask("a", add(7)))
      yield* system.read("a")
      const port = Effect.zipRight(nextTick, Effect.fail("port" as const))
      yield* Effect.flip(system.ask("a", add(1, 1, { port })))
      assert.deepStrictEqual(system.told, [
        ["a", 7, mismatch(1), { value: 1 }],
        ["a", 1, "port", { value: 1 }]
      ])
    }).pipe(Effect.provide(over(JournalMemory.make())))
  )

  it.scoped("is told of a refusal that waits for a commit when that is durable, and never if it fails", () => {
    const { append, journal } = heldJournal()
    return Effect.gen(function* () {
      const system = yield* telling()
      const accepted = yield* Effect.fork(system.ask("a", add(0)))
      const refused = yield* Effect.fork(Effect.flip(system.ask("a", add(0))))
      const first = yield* append(0)
      assert.deepStrictEqual(system.told, [])
      yield* first.commit
      yield* Fiber.join(accepted)
      yield* Fiber.join(refused)
      assert.deepStrictEqual(system.told, [["a", 0, mismatch(1), { value: 1 }]])

      const lost = yield* Effect.fork(Effect.exit(system.ask("a", add(1))))
      const undecided = yield* Effect.fork(Effect.exit(system.ask("a", add(1))))
      yield* (yield* append(1)).answer(Exit.fail(Journal.failure("no", "DISK_FULL")))
      assert.isTrue(Exit.isFailure(yield* Fiber.join(lost)))
      assert.isTrue(Exit.isFailure(yield* Fiber.join(undecided)))
      assert.lengthOf(system.told, 1)
    }).pipe(Effect.provide(over(journal)))
  })

  it.scoped("that throws harms no answer", () =>
    Effect.gen(function* () {
      const system = yield* telling(() => {
        throw new Error("the listener")
      })
      assert.deepStrictEqual(yield* Effect.flip(system.ask("a", add(7))), mismatch(0))
      assert.strictEqual((yield* system.ask("a", add(0))).value, 1)
      assert.strictEqual(system.metrics.defects, 1)
    }).pipe(Effect.provide(over(JournalMemory.make())))
  )
})
