/** Batches: several at once, and how their callers are told. */
import { assert, describe, it } from "@effect/vitest"
import { Journal } from "@onelane/engine"
import { Effect, Exit, Fiber } from "effect"
import { add, failureTag, heldJournal, makeSystem, nextTick, over } from "./fixture.js"

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

/** An event loop whose turns the test takes. */
const heldLoop = () => {
  const later: Array<() => void> = []
  const takeTurn = Effect.sync(() => {
    for (const task of later.splice(0)) task()
  })
  return { defer: (task: () => void) => void later.push(task), takeTurn }
}

const isDone = (fiber: Fiber.Fiber<unknown, unknown>) => Effect.map(Fiber.poll(fiber), (exit) => exit._tag === "Some")

describe("GroupCommit over a journal that is waited for", () => {
  it.scoped("what gathered leaves before anybody is told, and callers are told slice by slice", () => {
    const { journal, append, held } = heldJournal()
    const { defer, takeTurn } = heldLoop()
    return Effect.gen(function* () {
      const system = yield* makeSystem
      const first = yield* Effect.forEach(["a", "b", "c", "d", "e"], (id) => Effect.fork(system.ask(id, add(0))))
      const told = Effect.map(Effect.forEach(first, isDone), (done) => done.filter(Boolean).length)
      yield* nextTick
      yield* takeTurn
      assert.lengthOf((yield* append(0)).batch, 5)
      const next = yield* Effect.fork(system.ask("f", add(0)))
      yield* nextTick
      assert.lengthOf(held, 1)
      yield* held[0]!.commit
      yield* append(1)
      assert.strictEqual(yield* told, 2)
      yield* takeTurn
      yield* nextTick
      assert.strictEqual(yield* told, 4)
      yield* takeTurn
      yield* nextTick
      assert.strictEqual(yield* told, 5)
      assert.isFalse(yield* isDone(next))
      yield* held[1]!.commit
      assert.strictEqual((yield* Fiber.join(next)).sequence, 1)
    }).pipe(Effect.provide(over(journal, { settleSlice: 2, defer })))
  })

  it.scoped("A2: a commit that fails does not touch the one before it, whose caller has yet to be told", () => {
    const { journal, append } = heldJournal()
    const { defer, takeTurn } = heldLoop()
    return Effect.gen(function* () {
      const system = yield* makeSystem
      const first = yield* Effect.forEach(["a", "b"], (id) => Effect.fork(system.ask(id, add(0))))
      yield* nextTick
      yield* takeTurn
      const held = yield* append(0)
      const ahead = yield* Effect.fork(Effect.exit(system.ask("b", add(1))))
      yield* nextTick
      yield* held.commit
      const failing = yield* append(1)
      assert.deepStrictEqual(yield* Effect.forEach(first, isDone), [true, false])
      yield* failing.answer(Exit.fail(Journal.failure("unknown", "IO")))
      for (const fiber of first) assert.strictEqual((yield* Fiber.join(fiber)).sequence, 1)
      assert.deepInclude(failureTag(yield* Fiber.join(ahead)), { applied: "unknown", reason: "IO" })
      assert.deepStrictEqual(yield* system.read("b"), { state: { value: 1 }, sequence: 1 })
    }).pipe(Effect.provide(over(journal, { settleSlice: 1, defer })))
  })
})
