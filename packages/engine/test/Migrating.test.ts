/** What a behavior changes by itself in a state that was read: a commit of its own, before any turn. */
import { assert, describe, it } from "@effect/vitest"
import { ActorSystem, type Behavior, EngineError, Journal, JournalMemory } from "@onelane/engine"
import { Effect, Exit } from "effect"
import {
  type Added,
  add,
  type Count,
  counter,
  failureTag,
  heldJournal,
  nextTick,
  over,
  type Refusal
} from "./fixture.js"

/** Odd values become even when they are read; 100 and more is too new. */
const evens: Behavior.Behavior<Count, any, Added, any, Refusal, void> = {
  ...counter,
  migrate: ({ value }) => {
    if (value >= 100) throw new EngineError.NewerState("TOO_NEW")
    return value % 2 === 0 ? null : { event: { by: 1 }, digests: [`even${value}`] }
  }
}

const system = ActorSystem.make(evens, { unavailable: (error): Refusal => error })
const address = { kind: "counter", id: "a" }

const holding = (memory: Journal.JournalShape, value: number) =>
  memory.append([{ address, expectedSequence: 0, events: [{ by: value }], state: { value }, alarmMillis: null }])

const eventsOf = (memory: Journal.JournalShape) => Effect.map(memory.events(address, 0, 100), (all) => all.length)

/** Journals that answer at once, later, and later with others writing, too. */
const kinds = {
  "a journal in memory": (memory: Journal.JournalShape) => memory,
  "a journal that gathers": (memory: Journal.JournalShape) => ({ ...memory, immediate: false }),
  "a journal that is waited for": (memory: Journal.JournalShape) => ({
    ...memory,
    append: (batch: ReadonlyArray<Journal.JournalEntry>) => Effect.zipRight(nextTick, memory.append(batch))
  }),
  "a journal that others write, too": (memory: Journal.JournalShape) => ({
    ...memory,
    immediate: false,
    exclusive: false,
    append: (batch: ReadonlyArray<Journal.JournalEntry>) => Effect.zipRight(nextTick, memory.append(batch)),
    load: (of: Journal.JournalRow extends never ? never : typeof address) => Effect.zipRight(nextTick, memory.load(of))
  })
} as const

describe("Migrating", () => {
  for (const [kind, over_] of Object.entries(kinds)) {
    it.scoped(`a state that is read is changed once, before the first command: ${kind}`, () => {
      const memory = JournalMemory.make()
      return Effect.gen(function* () {
        yield* holding(memory, 3)
        const actors = yield* system
        const [first, second] = yield* Effect.all([actors.ask("a", add(4)), actors.ask("a", add(5))], {
          concurrency: 2
        })
        assert.deepStrictEqual(
          [first, second],
          [
            { value: 5, sequence: 3 },
            { value: 6, sequence: 4 }
          ]
        )
        assert.strictEqual(yield* eventsOf(memory), 4)
        assert.deepInclude(yield* memory.recorded(address, "even3"), { sequence: 2 })
      }).pipe(Effect.provide(over(over_(memory))))
    })

    it.scoped(`a read is answered with the changed state, and that is kept: ${kind}`, () => {
      const memory = JournalMemory.make()
      return Effect.gen(function* () {
        yield* holding(memory, 7)
        const actors = yield* system
        assert.deepStrictEqual(yield* actors.read("a"), { state: { value: 8 }, sequence: 2 })
        assert.strictEqual(yield* eventsOf(memory), 2)
        assert.deepStrictEqual(yield* actors.read("a"), { state: { value: 8 }, sequence: 2 })
        assert.strictEqual(yield* eventsOf(memory), 2)
      }).pipe(Effect.provide(over(over_(memory))))
    })

    it.scoped(`a state that is too new is refused with its reason, and nothing is written: ${kind}`, () => {
      const memory = JournalMemory.make()
      return Effect.gen(function* () {
        yield* holding(memory, 101)
        const actors = yield* system
        const refused = failureTag(yield* Effect.exit(actors.ask("a", add(null))))
        assert.deepInclude(refused, { _tag: "JournalUnavailable", reason: "TOO_NEW", applied: "no" })
        assert.strictEqual(yield* eventsOf(memory), 1)
        assert.strictEqual(actors.metrics.defects, 0)
        assert.strictEqual(actors.metrics.live, 0)
      }).pipe(Effect.provide(over(over_(memory))))
    })
  }

  it.scoped("A2: nothing that depends on the change is answered before it is durable", () => {
    const { append, journal, memory } = heldJournal()
    return Effect.gen(function* () {
      yield* holding(memory, 3)
      const actors = yield* system
      assert.isUndefined(actors.peek("a"))
      const answered: Array<string> = []
      const ask = (name: string, command: any) =>
        Effect.fork(
          Effect.zipRight(
            Effect.exit(actors.ask("a", command)),
            Effect.sync(() => answered.push(name))
          )
        )
      const first = yield* append(0)
      yield* ask("refused", add(0))
      yield* ask("accepted", add(4))
      yield* nextTick
      assert.deepStrictEqual(answered, [])
      assert.deepStrictEqual(
        first.batch.map(({ events, expectedSequence }) => [events.length, expectedSequence]),
        [[1, 1]]
      )
      yield* first.commit
      yield* Effect.flatMap(append(1), ({ commit }) => commit)
      yield* nextTick
      assert.deepStrictEqual(answered, ["refused", "accepted"])
      assert.deepStrictEqual(yield* actors.read("a"), { state: { value: 5 }, sequence: 3 })
    }).pipe(Effect.provide(over(journal)))
  })

  it.scoped("A1: where the commit of the change fails before its fiber waits, turns still never overlap", () => {
    const memory = JournalMemory.make()
    let failures = 1
    const lost = Effect.suspend(() => Effect.fail(Journal.failure("unknown", "TIMEOUT")))
    const append: Journal.JournalShape["append"] = (batch) => (failures-- > 0 ? lost : memory.append(batch))
    let inside = 0
    let most = 0
    const port = Effect.suspend(() => {
      most = Math.max(most, ++inside)
      return Effect.tap(nextTick, () => inside--)
    })
    return Effect.gen(function* () {
      yield* holding(memory, 3)
      const actors = yield* system
      const asked = Array.from({ length: 3 }, () => Effect.exit(actors.ask("a", add(null, 2, { port }))))
      yield* Effect.all(asked, { concurrency: "unbounded" })
      assert.strictEqual(most, 1)
      const { sequence, state } = yield* actors.read("a")
      const events = yield* memory.events(address, 0, 100)
      assert.strictEqual(events.length, sequence)
      assert.strictEqual(
        events.reduce((sum, { event }) => sum + (event as Added).by, 0),
        state.value
      )
    }).pipe(Effect.provide(over({ ...memory, append })))
  })

  it.scoped(
    "A3: if the commit of the change fails, what depends on it fails, and the next load changes it again",
    () => {
      const memory = JournalMemory.make()
      let failing = true
      const append: Journal.JournalShape["append"] = (batch) =>
        failing ? Exit.fail(Journal.failure("no", "DISK_FULL")) : memory.append(batch)
      const program = Effect.gen(function* () {
        const actors = yield* system
        failing = true
        for (const call of [actors.ask("a", add(4)), actors.read("a")])
          assert.deepInclude(failureTag(yield* Effect.exit(call)), { reason: "DISK_FULL", applied: "no" })
        failing = false
        assert.deepStrictEqual(yield* actors.read("a"), { state: { value: 4 }, sequence: 2 })
      })
      return Effect.gen(function* () {
        yield* holding(memory, 3)
        yield* Effect.provide(Effect.scoped(program), over({ ...memory, append }))
      })
    }
  )

  it.scoped("A4: two engines that change one state at once commit it once, and both go on from there", () => {
    const memory = JournalMemory.make()
    const journal = kinds["a journal that others write, too"](memory)
    const race = Effect.gen(function* () {
      const [one, other] = [yield* Effect.provide(system, over(journal)), yield* Effect.provide(system, over(journal))]
      const reads = [one.read("a"), other.read("a"), other.ask("a", add(null, 2)), one.ask("a", add(null, 2))]
      return yield* Effect.all(reads, { concurrency: 4 })
    })
    return Effect.gen(function* () {
      yield* holding(memory, 3)
      yield* race
      const events = yield* memory.events(address, 0, 100)
      assert.deepStrictEqual(
        events.map(({ event }) => (event as Added).by),
        [3, 1, 2, 2]
      )
    })
  })
})
