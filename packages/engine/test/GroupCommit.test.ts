/** Batches, where the journal takes several at once. */
import { assert, describe, it } from "@effect/vitest"
import { Journal } from "@onelane/engine"
import { Effect, Exit, Fiber } from "effect"
import { add, heldJournal, makeSystem, nextTick, over } from "./fixture.js"

const ids = Array.from({ length: 80 }, (_, index) => `c${index}`)

const idsOf = (batch: ReadonlyArray<Journal.JournalEntry>) => batch.map(({ address }) => address.id)

describe("GroupCommit over a journal that takes two appends at once", () => {
  it.scoped("shares what waits out among both, and an address is in one of them at most", () => {
    const { append, held, journal } = heldJournal({ appendsAtOnce: 2 })
    return Effect.gen(function* () {
      const system = yield* makeSystem
      const all = yield* Effect.fork(Effect.forEach(ids, (id) => system.ask(id, add(0)), { concurrency: "unbounded" }))
      const [first, second] = [yield* append(0), yield* append(1)]
      assert.deepStrictEqual([...idsOf(first.batch), ...idsOf(second.batch)], ids)
      assert.deepStrictEqual([first.batch.length, second.batch.length], [40, 40])

      // What addresses in flight add next waits for them; with both appends under way so does everything.
      const later = ["c0", "c79", "new"].map((id) => system.ask(id, add(null)))
      const more = yield* Effect.fork(Effect.all(later, { concurrency: "unbounded" }))
      yield* nextTick
      assert.strictEqual(held.length, 2)
      yield* second.commit
      const third = yield* append(2)
      assert.deepStrictEqual(idsOf(third.batch), ["c79", "new"])
      yield* third.commit
      yield* nextTick
      assert.strictEqual(held.length, 3)
      yield* first.commit
      const fourth = yield* append(3)
      assert.deepStrictEqual(idsOf(fourth.batch), ["c0"])
      assert.strictEqual(fourth.batch[0]!.expectedSequence, 1)
      yield* fourth.commit
      yield* Fiber.join(all)
      assert.deepStrictEqual(
        (yield* Fiber.join(more)).map(({ value }) => value),
        [2, 2, 1]
      )
    }).pipe(Effect.provide(over(journal)))
  })

  it.scoped("a failure of one is no failure of the other", () => {
    const { append, journal } = heldJournal({ appendsAtOnce: 2 })
    return Effect.gen(function* () {
      const system = yield* makeSystem
      const answers = ids.map((id) => Effect.exit(system.ask(id, add(0))))
      const all = yield* Effect.fork(Effect.all(answers, { concurrency: "unbounded" }))
      const [first, second] = [yield* append(0), yield* append(1)]
      yield* first.answer(Exit.fail(Journal.failure("unknown", "TIMEOUT")))
      yield* second.commit
      const exits = yield* Fiber.join(all)
      assert.deepStrictEqual(
        exits.map(Exit.isSuccess),
        [...ids.keys()].map((index) => index >= 40)
      )
    }).pipe(Effect.provide(over(journal)))
  })
})
