import { assert, describe, it } from "@effect/vitest"
import { Journal, JournalMemory } from "@onelane/engine"
import { Deferred, Effect, Exit, Fiber } from "effect"
import { rememberedDigests } from "../src/actor/Records.js"
import { add, failureTag, heldJournal, makeSystem, nextTick, over } from "./fixture.js"

/** Memory as a database is: waited for, and each look-up counted. */
const waited = (overrides: Partial<Journal.JournalShape> = {}) => {
  const memory = JournalMemory.make()
  const lookups: Array<string> = []
  const journal: Journal.JournalShape = {
    ...memory,
    immediate: false,
    append: (batch) => Effect.zipRight(nextTick, memory.append(batch)),
    recorded: (address, digest) => {
      lookups.push(digest)
      return memory.recorded(address, digest)
    },
    ...overrides
  }
  return { memory, journal, lookups }
}

const keyed = (digest: string, expect: number | null = null) => add(expect, 1, { digest })

/** What a store that keeps only sequences answers: the engine folds the events. */
const sequenceOnly =
  (memory: Journal.JournalShape): Journal.JournalShape["recorded"] =>
  (address, digest) =>
    Effect.map(memory.recorded(address, digest), (found) => (found === null ? null : { ...found, record: null }))

describe("Records", () => {
  it.scoped("a command under a recorded digest is answered as it was, however many came after it", () =>
    Effect.gen(function* () {
      const system = yield* makeSystem
      const first = yield* system.ask("a", keyed("k"))
      for (let n = 0; n < 200; n++) yield* system.ask("a", keyed(`other-${n}`))
      assert.deepInclude(yield* system.ask("a", keyed("k")), { ...first, replayed: true })
      assert.strictEqual((yield* system.read("a")).sequence, 201)
    }).pipe(Effect.provide(over(JournalMemory.make())))
  )

  it.scoped("a write that arrives late, found by its digest, is the state of the turns after it, too", () => {
    const memory = JournalMemory.make()
    const late: Array<Journal.JournalEntry> = []
    let isLate = false
    const append: Journal.JournalShape["append"] = (batch) => {
      if (!isLate) return memory.append(batch)
      late.push(...batch)
      return Exit.fail(Journal.failure("unknown", "LATE"))
    }
    return Effect.gen(function* () {
      const system = yield* makeSystem
      yield* system.ask("a", keyed("before"))
      isLate = true
      assert.deepInclude(failureTag(yield* Effect.exit(system.ask("a", keyed("k")))), { applied: "unknown" })
      assert.strictEqual((yield* system.read("a")).sequence, 1)
      isLate = false
      yield* memory.append(late)
      assert.deepInclude(yield* system.ask("a", keyed("k")), { sequence: 2, replayed: true })
      assert.strictEqual((yield* system.read("a")).sequence, 2)
    }).pipe(Effect.provide(over({ ...memory, append })))
  })

  it.scoped(
    "a digest nobody recorded is not looked up at an address that was opened here, or loaded with all its digests",
    () => {
      const { journal, lookups, memory } = waited()
      return Effect.gen(function* () {
        const opened = yield* makeSystem
        for (let n = 0; n < 10; n++) yield* opened.ask("a", keyed(`k${n}`))
        assert.deepStrictEqual(lookups, [])
        const program = Effect.gen(function* () {
          const loaded = yield* makeSystem
          yield* loaded.ask("a", keyed("k10"))
          assert.deepStrictEqual(lookups, [])
          assert.strictEqual((yield* loaded.ask("a", keyed("k3"))).sequence, 4)
          assert.deepStrictEqual(lookups, ["k3"])
        })
        yield* Effect.provide(program, over({ ...journal, load: memory.load }))
      }).pipe(Effect.provide(over(journal)))
    }
  )

  it.scoped("a digest is looked up where a load could not give all of them", () => {
    const { journal, lookups, memory } = waited()
    const load: Journal.JournalShape["load"] = (address) =>
      Effect.map(memory.load(address), (row) => (row === null ? null : { ...row, digests: null }))
    return Effect.gen(function* () {
      yield* memory.append([
        {
          ...{ address: { kind: "counter", id: "a" }, expectedSequence: 0, events: [{ by: 5 }], state: { value: 5 } },
          alarmMillis: null,
          records: [{ digest: "k", sequence: 1, event: { by: 5 }, state: { value: 5 } }]
        }
      ])
      const system = yield* makeSystem
      yield* system.ask("a", keyed("new"))
      assert.deepInclude(yield* system.ask("a", keyed("k")), { value: 5, sequence: 1, replayed: true })
      assert.deepStrictEqual(lookups, ["new", "k"])
    }).pipe(Effect.provide(over({ ...journal, load })))
  })

  it.scoped("an address remembers a bounded number of digests, and looks the others up", () => {
    const { journal, lookups } = waited()
    return Effect.gen(function* () {
      const system = yield* makeSystem
      yield* Effect.forEach(
        Array.from({ length: rememberedDigests }, (_, n) => keyed(`k${n}`)),
        (command) => system.askInternal("a", command),
        { concurrency: "unbounded" }
      )
      yield* system.ask("a", keyed("one more"))
      assert.deepStrictEqual(lookups, [])
      yield* system.ask("a", keyed("another"))
      assert.deepStrictEqual(lookups, ["another"])
      assert.strictEqual((yield* system.ask("a", keyed("k7"))).sequence, 8)
    }).pipe(Effect.provide(over(journal)))
  })

  it.scoped("the state right after a recorded turn is folded where the journal keeps events only", () => {
    const { journal, memory } = waited()
    return Effect.gen(function* () {
      const system = yield* makeSystem
      for (let n = 0; n < 5; n++) yield* system.ask("a", keyed(`k${n}`))
      const again = yield* system.ask("a", keyed("k2"))
      assert.deepStrictEqual({ ...again }, { value: 3, sequence: 3, replayed: true })
    }).pipe(Effect.provide(over({ ...journal, recorded: sequenceOnly(memory) })))
  })

  it.scoped("A2: a replay of a turn that is not yet durable waits until it is", () => {
    const { journal, append } = heldJournal()
    return Effect.gen(function* () {
      const system = yield* makeSystem
      const first = yield* Effect.fork(system.ask("a", keyed("k")))
      const held = yield* append(0)
      const again = yield* Effect.fork(system.ask("a", keyed("k")))
      yield* nextTick
      assert.isNull(again.unsafePoll())
      yield* held.commit
      assert.deepInclude(yield* Fiber.join(again), { ...(yield* Fiber.join(first)), replayed: true })
    }).pipe(Effect.provide(over(journal)))
  })

  it.scoped("A3: a digest whose commit failed is not recorded, and its command is taken anew", () => {
    const { journal, append } = heldJournal()
    return Effect.gen(function* () {
      const system = yield* makeSystem
      const first = yield* Effect.fork(Effect.exit(system.ask("a", keyed("k"))))
      yield* (yield* append(0)).answer(Exit.fail(Journal.failure("no", "BUSY")))
      assert.deepInclude(failureTag(yield* Fiber.join(first)), { reason: "BUSY", applied: "no" })
      const second = yield* Effect.fork(system.ask("a", keyed("k")))
      yield* (yield* append(1)).commit
      assert.deepStrictEqual(yield* Fiber.join(second), { value: 1, sequence: 1 })
    }).pipe(Effect.provide(over(journal)))
  })

  it.scoped("A3: a digest whose commit was written though nobody was told is found again", () => {
    const { journal, append } = heldJournal()
    return Effect.gen(function* () {
      const system = yield* makeSystem
      const first = yield* Effect.fork(Effect.exit(system.ask("a", keyed("k"))))
      const held = yield* append(0)
      yield* held.write
      yield* held.answer(Exit.fail(Journal.failure("unknown", "TIMEOUT")))
      assert.deepInclude(failureTag(yield* Fiber.join(first)), { applied: "unknown" })
      assert.deepInclude(yield* system.ask("a", keyed("k")), { value: 1, sequence: 1, replayed: true })
    }).pipe(Effect.provide(over(journal)))
  })

  it.scoped("A1: nothing else of an address runs while a digest is looked up", () =>
    Effect.gen(function* () {
      const found = yield* Deferred.make<Journal.Recorded | null>()
      const { journal, memory } = waited({ recorded: () => Deferred.await(found) })
      const load: Journal.JournalShape["load"] = (address) =>
        Effect.map(memory.load(address), (row) => (row === null ? null : { ...row, digests: null }))
      const program = Effect.gen(function* () {
        const system = yield* makeSystem
        yield* system.ask("a", add(0))
        const first = yield* Effect.fork(system.ask("a", keyed("k", 1)))
        yield* nextTick
        const second = yield* Effect.fork(Effect.exit(system.ask("a", add(1))))
        yield* nextTick
        assert.isNull(second.unsafePoll())
        yield* Deferred.succeed(found, null)
        assert.deepStrictEqual(yield* Fiber.join(first), { value: 2, sequence: 3 })
        assert.deepInclude(failureTag(yield* Fiber.join(second)), { _tag: "Mismatch", value: 2 })
      })
      const { address, ...rest } = { address: { kind: "counter", id: "a" }, events: [{ by: 0 }], state: { value: 0 } }
      yield* memory.append([{ address, expectedSequence: 0, alarmMillis: null, ...rest }])
      yield* Effect.provide(program, over({ ...journal, load }))
    }).pipe(Effect.scoped)
  )

  it.scoped("a digest that cannot be looked up is an answer without a decision, certainly not applied", () => {
    const { journal, memory } = waited({ recorded: () => Exit.fail(Journal.failure("no", "TIMEOUT")) })
    const load: Journal.JournalShape["load"] = (address) =>
      Effect.map(memory.load(address), (row) => (row === null ? null : { ...row, digests: null }))
    return Effect.gen(function* () {
      yield* memory.append([{ ...entryAt(0), events: [{ by: 1 }], state: { value: 1 }, alarmMillis: null }])
      const system = yield* makeSystem
      const answer = yield* Effect.exit(system.ask("a", keyed("k")))
      assert.deepInclude(failureTag(answer), { _tag: "JournalUnavailable", reason: "TIMEOUT", applied: "no" })
      assert.deepStrictEqual(yield* system.ask("a", add(1)), { value: 2, sequence: 2 })
    }).pipe(Effect.provide(over({ ...journal, load })))
  })

  it.scoped("where others write too, what they recorded is replayed after the conflict it causes", () => {
    const { journal, memory } = waited({ exclusive: false })
    return Effect.gen(function* () {
      const system = yield* makeSystem
      yield* system.ask("a", add(0))
      const record = { digest: "k", sequence: 2, event: { by: 10 }, state: { value: 11 } }
      const elsewhere = {
        ...entryAt(1),
        events: [{ by: 10 }],
        state: { value: 11 },
        alarmMillis: null,
        records: [record]
      }
      assert.deepStrictEqual(yield* memory.append([elsewhere]), ["committed"])
      assert.deepInclude(yield* system.ask("a", keyed("k")), { value: 11, sequence: 2, replayed: true })
      assert.strictEqual((yield* system.read("a")).sequence, 2)
    }).pipe(Effect.provide(over(journal)))
  })

  it.scoped("A4: a digest is recorded once even by an engine that forgot what it had recorded", () => {
    const { journal, memory } = waited()
    let forgets = true
    const load: Journal.JournalShape["load"] = (address) =>
      Effect.map(memory.load(address), (row) => (row === null || !forgets ? row : { ...row, digests: [] }))
    return Effect.gen(function* () {
      const record = { digest: "k", sequence: 1, event: { by: 1 }, state: { value: 1 } }
      yield* memory.append([
        { ...entryAt(0), events: [{ by: 1 }], state: { value: 1 }, alarmMillis: null, records: [record] }
      ])
      const system = yield* makeSystem
      const answer = yield* Effect.exit(system.ask("a", keyed("k")))
      assert.deepInclude(failureTag(answer), { _tag: "JournalUnavailable", reason: "CONFLICT", applied: "no" })
      assert.strictEqual((yield* system.read("a")).sequence, 1)
      forgets = false
      assert.deepInclude(yield* system.ask("a", keyed("k")), { value: 1, sequence: 1, replayed: true })
    }).pipe(Effect.provide(over({ ...journal, load })))
  })
})

const entryAt = (expectedSequence: number) => ({ address: { kind: "counter", id: "a" }, expectedSequence })
