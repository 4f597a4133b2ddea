/** Followers: what many of them on one address share, and what a slow one costs the others. */
import { assert, describe, it } from "@effect/vitest"
import { type ActorSystem, Journal, JournalMemory } from "@onelane/engine"
import { Effect, Exit, TestClock } from "effect"
import {
  add,
  failureTag,
  heldJournal,
  makeSystem,
  memoryWith,
  nextTick,
  over,
  type Refusal,
  type System
} from "./fixture.js"

/** Follows and asks again at once, as often as there is something: pages in order, and the error that ended it. */
const reader = (system: System, id: string, afterSequence: number) => {
  const feed = system.follow(id)
  const told = { pages: [] as Array<ActorSystem.Page>, end: null as Refusal | null, feed }
  let after = afterSequence
  const ask = (): void =>
    feed.ask(after, (exit) => {
      if (Exit.isSuccess(exit)) {
        told.pages.push(exit.value)
        after = exit.value.at(-1)!.sequence
        return ask()
      }
      if (exit.cause._tag === "Fail") told.end = exit.cause.error
    })
  ask()
  return told
}

const sequences = (pages: ReadonlyArray<ActorSystem.Page>) => pages.flat().map(({ sequence }) => sequence)
const upTo = (last: number) => Array.from({ length: last }, (_, index) => index + 1)

/** Memory that counts how often events are read. */
const counted = () => {
  const memory = JournalMemory.make()
  const reads = { count: 0 }
  const journal = memoryWith({
    ...memory,
    events: (address, after, limit) => {
      reads.count += 1
      return memory.events(address, after, limit)
    }
  })
  return { journal, reads }
}

describe("followers of an address", () => {
  it.scoped(
    "a thousand of them get every change, in one page that all share, and the journal is not read for it",
    () => {
      const { journal, reads } = counted()
      return Effect.gen(function* () {
        const system = yield* makeSystem
        yield* system.ask("a", add(0))
        const readers = Array.from({ length: 1_000 }, () => reader(system, "a", 1))
        yield* nextTick
        assert.isAtMost(reads.count, 2)
        reads.count = 0
        for (let value = 1; value < 21; value++) {
          yield* system.ask("a", add(value))
          if (value % 3 === 0) yield* nextTick
        }
        yield* nextTick
        assert.strictEqual(reads.count, 0)
        for (const { pages } of readers) {
          assert.deepStrictEqual(sequences(pages), upTo(21).slice(1))
          assert.strictEqual(pages.at(-1), readers[0]!.pages.at(-1))
        }
      }).pipe(Effect.provide(over(journal)))
    }
  )

  it.scoped(
    "one that does not ask holds nobody up, and reads later what it has missed, once for all who are behind",
    () => {
      const { journal, reads } = counted()
      return Effect.gen(function* () {
        const system = yield* makeSystem
        yield* system.ask("a", add(0))
        const fast = reader(system, "a", 0)
        yield* nextTick
        for (let value = 1; value < 30; value++) yield* system.ask("a", add(value))
        for (let turn = 0; turn < 20; turn++) yield* nextTick
        assert.deepStrictEqual(sequences(fast.pages), upTo(30))
        reads.count = 0
        const slow = Array.from({ length: 100 }, () => reader(system, "a", 1))
        for (let turn = 0; turn < 20; turn++) yield* nextTick
        for (const { pages } of slow) assert.deepStrictEqual(sequences(pages), upTo(30).slice(1))
        assert.isAtMost(reads.count, 10)
      }).pipe(Effect.provide(over(journal, { changesPage: 7 })))
    }
  )

  it.scoped(
    "one that asks soon after a change gets it without a read; of many changes only the last few are kept",
    () => {
      const { journal, reads } = counted()
      return Effect.gen(function* () {
        const system = yield* makeSystem
        yield* system.ask("a", add(0))
        const waiting = reader(system, "a", 1)
        waiting.feed.withdraw()
        yield* nextTick
        for (let value = 1; value < 30; value++) yield* system.ask("a", add(value))
        reads.count = 0
        const [near, far] = [reader(system, "a", 22), reader(system, "a", 21)]
        for (let turn = 0; turn < 5; turn++) yield* nextTick
        assert.deepStrictEqual(sequences(near.pages), upTo(30).slice(22))
        assert.deepStrictEqual(sequences(far.pages), upTo(30).slice(21))
        assert.lengthOf(near.pages, 1)
        assert.strictEqual(reads.count, 1)
      }).pipe(Effect.provide(over(journal)))
    }
  )

  it.scoped(
    "a journal that others write is read once a poll for all of them, and a change made here needs no read",
    () => {
      const { journal, reads } = counted()
      return Effect.gen(function* () {
        const [system, elsewhere] = [yield* makeSystem, yield* makeSystem]
        yield* system.ask("a", add(0))
        const readers = Array.from({ length: 100 }, () => reader(system, "a", 1))
        yield* nextTick
        reads.count = 0
        for (let second = 0; second < 10; second++) {
          yield* TestClock.adjust("1 second")
          yield* nextTick
        }
        assert.isAtMost(reads.count, 11)
        reads.count = 0
        yield* system.ask("a", add(1))
        yield* nextTick
        assert.strictEqual(reads.count, 0)
        yield* elsewhere.ask("a", add(2))
        for (let second = 0; second < 2; second++) {
          yield* TestClock.adjust("1 second")
          yield* nextTick
        }
        yield* system.ask("a", add(3))
        yield* nextTick
        for (const { pages } of readers) assert.deepStrictEqual(sequences(pages), [2, 3, 4])
      }).pipe(Effect.provide(over({ ...journal, exclusive: false })))
    }
  )

  it.scoped("an ask that is taken back is not answered, and what it would have been told is not lost", () =>
    Effect.gen(function* () {
      const system = yield* makeSystem
      yield* system.ask("a", add(0))
      const feed = system.follow("a")
      feed.ask(1, () => assert.fail("it was taken back"))
      yield* nextTick
      yield* system.ask("a", add(1))
      feed.withdraw()
      yield* nextTick
      const page = yield* Effect.async<ActorSystem.Page, Refusal>((resume) => feed.ask(1, resume))
      assert.deepStrictEqual(sequences([page]), [2])
      feed.ask(2, () => assert.fail("it was left"))
      feed.leave()
      yield* system.ask("a", add(2))
      yield* nextTick
    }).pipe(Effect.provide(over(JournalMemory.make())))
  )

  it.scoped("what is written and not confirmed yet is not told; it comes with its commit, once", () => {
    const { journal, append } = heldJournal()
    return Effect.gen(function* () {
      const system = yield* makeSystem
      const first = yield* Effect.fork(system.ask("a", add(0)))
      yield* (yield* append(0)).commit
      yield* first.await
      const second = yield* Effect.fork(system.ask("a", add(1)))
      const held = yield* append(1)
      const outcomes = yield* held.write
      const early = reader(system, "a", 0)
      for (let turn = 0; turn < 5; turn++) yield* nextTick
      assert.deepStrictEqual(sequences(early.pages), [1])
      yield* held.answer(Exit.succeed(outcomes))
      yield* second.await
      yield* nextTick
      yield* nextTick
      assert.deepStrictEqual(sequences(early.pages), [1, 2])
    }).pipe(Effect.provide(over(journal)))
  })

  it.scoped(
    "of what was removed only those who had asked are told the last change; who asks then is told nothing",
    () =>
      Effect.gen(function* () {
        const system = yield* makeSystem
        yield* system.ask("a", add(0))
        const [told, slow] = [reader(system, "a", 1), reader(system, "a", 1)]
        slow.feed.withdraw()
        yield* nextTick
        yield* system.ask("a", add(1))
        yield* system.remove([{ id: "a", sequence: 2 }])
        yield* nextTick
        assert.deepStrictEqual(sequences(told.pages), [2])
        assert.deepInclude(told.end, { reason: "REMOVED" })
        const late = yield* Effect.exit(Effect.async<ActorSystem.Page, Refusal>((resume) => slow.feed.ask(1, resume)))
        assert.deepInclude(failureTag(late), { reason: "REMOVED" })
      }).pipe(Effect.provide(over(JournalMemory.make())))
  )

  it.scoped("an address that is removed ends them, also one that has not asked before", () =>
    Effect.gen(function* () {
      const system = yield* makeSystem
      yield* system.ask("a", add(0))
      const late = system.follow("a")
      const waiting = reader(system, "a", 1)
      yield* nextTick
      assert.deepStrictEqual(yield* system.remove([{ id: "a", sequence: 1 }]), [true])
      yield* nextTick
      assert.deepInclude(waiting.end, { _tag: "JournalUnavailable", reason: "REMOVED" })
      waiting.feed.leave()
      const end = yield* Effect.flip(Effect.async<ActorSystem.Page, Refusal>((resume) => late.ask(1, resume)))
      assert.deepInclude(end, { _tag: "JournalUnavailable", reason: "REMOVED" })
    }).pipe(Effect.provide(over(JournalMemory.make())))
  )

  it.scoped("a read that fails ends those who asked for it, and nobody else", () => {
    const memory = JournalMemory.make()
    const journal = memoryWith({
      ...memory,
      events: (address, after, limit) =>
        after === 3 ? Exit.fail(Journal.failure("no", "IO")) : memory.events(address, after, limit)
    })
    return Effect.gen(function* () {
      const system = yield* makeSystem
      for (let value = 0; value < 5; value++) yield* system.ask("a", add(value))
      const [good, bad] = [reader(system, "a", 4), reader(system, "a", 3)]
      yield* nextTick
      yield* nextTick
      yield* system.ask("a", add(5))
      yield* nextTick
      assert.deepInclude(bad.end, { _tag: "JournalUnavailable", reason: "IO" })
      assert.deepStrictEqual(sequences(good.pages), [5, 6])
      assert.isNull(good.end)
    }).pipe(Effect.provide(over(journal)))
  })

  it.scoped("one that throws harms no other", () =>
    Effect.gen(function* () {
      const system = yield* makeSystem
      yield* system.ask("a", add(0))
      system.follow("a").ask(0, () => {
        throw new Error("a defect of a follower")
      })
      const other = reader(system, "a", 0)
      yield* nextTick
      yield* nextTick
      assert.deepStrictEqual(sequences(other.pages), [1])
      assert.strictEqual(system.metrics.defects, 1)
    }).pipe(Effect.provide(over(JournalMemory.make())))
  )
})
