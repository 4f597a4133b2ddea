import { assert, describe, it } from "@effect/vitest"
import { Address, type Journal, JournalMemory } from "@onelane/engine"
import * as JournalFaults from "@onelane/testing/JournalFaults"
import * as Seeded from "@onelane/testing/Seeded"
import { Effect, Fiber, TestClock } from "effect"

const at = (id: string) => Address.make("Thing", id)
const entry = (id: string, expectedSequence = 0): Journal.JournalEntry => ({
  address: at(id),
  expectedSequence,
  events: [{}],
  state: {},
  alarmMillis: null
})
const batch = [entry("a"), entry("b"), entry("c")]

/** Appends a batch of three through one fault: what was answered, what is on disk then, and a second later. */
const through = (fault: JournalFaults.AppendFault) =>
  Effect.gen(function* () {
    const disk = JournalMemory.make()
    const plan = { append: () => fault, read: () => null, millis: () => 1_000, written: () => 2 }
    const fiber = yield* Effect.fork(Effect.either(JournalFaults.wrap(disk, plan).append(batch)))
    const written = Effect.suspend(() => Effect.all(batch.map(({ address }) => disk.load(address)))).pipe(
      Effect.map((rows) => rows.filter((row) => row !== null).length)
    )
    yield* Effect.yieldNow()
    const before = yield* written
    yield* TestClock.adjust(1_000)
    const answer = yield* Fiber.join(fiber)
    const told = answer._tag === "Right" ? answer.right.join(" ") : answer.left.applied
    return [told, before, yield* written]
  })

const yes = "committed committed committed"
const expected: Record<JournalFaults.AppendFault, ReadonlyArray<unknown>> = {
  "slow write": [yes, 0, 3],
  "slow answer": [yes, 3, 3],
  refused: ["no", 0, 0],
  "lost answer": ["unknown", 3, 3],
  "lost write": ["unknown", 0, 0],
  "late write": ["unknown", 0, 3],
  conflict: ["conflict conflict conflict", 0, 0],
  torn: ["unknown", 2, 2]
}

describe("JournalFaults", () => {
  for (const fault of JournalFaults.appendFaults) {
    it.effect(`${fault}: answers what is true of the disk`, () =>
      Effect.map(through(fault), (seen) => assert.deepStrictEqual(seen, expected[fault]))
    )
  }

  it.effect("a late write loses its place to one that came before it", () =>
    Effect.gen(function* () {
      const disk = JournalMemory.make()
      const plan = { append: () => "late write" as const, read: () => null, millis: () => 1_000, written: () => 0 }
      yield* Effect.flip(JournalFaults.wrap(disk, plan).append([entry("a")]))
      yield* disk.append([{ ...entry("a"), state: "first" }])
      yield* TestClock.adjust(1_000)
      assert.deepStrictEqual(yield* disk.load(at("a")), { sequence: 1, state: "first", digests: [] })
    })
  )

  it.effect("reads are slow or fail, and nothing is written by them", () =>
    Effect.gen(function* () {
      const faults: Array<JournalFaults.ReadFault> = ["slow read", "unreadable"]
      const plan = { append: () => null, read: () => faults.shift() ?? null, millis: () => 1_000, written: () => 0 }
      const journal = JournalFaults.wrap(JournalMemory.make(), plan)
      const slow = yield* Effect.fork(journal.load(at("a")))
      yield* TestClock.adjust(999)
      assert.isNull(yield* Fiber.poll(slow).pipe(Effect.map((exit) => (exit._tag === "None" ? null : exit))))
      yield* TestClock.adjust(1)
      assert.isNull(yield* Fiber.join(slow))
      assert.deepInclude(yield* Effect.flip(journal.events(at("a"), 0, 1)), { applied: "no", reason: "IO" })
      assert.deepStrictEqual(yield* journal.alarms("Thing", 0, 1), [])
    })
  )

  it.effect("a cut connection writes nothing more and reports unknown outcomes", () =>
    Effect.gen(function* () {
      const disk = JournalMemory.make()
      const { journal, cut } = JournalFaults.cuttable(disk)
      yield* journal.append([entry("a")])
      cut()
      assert.deepInclude(yield* Effect.flip(journal.append([entry("a", 1)])), { applied: "unknown" })
      assert.deepInclude(yield* disk.load(at("a")), { sequence: 1 })
    })
  )

  it("a plan keeps to its rates, can be switched off, and counts", () => {
    const plan = JournalFaults.seeded(Seeded.make(1), { torn: 0.5, unreadable: 1 }, 10)
    const faults = Array.from({ length: 1_000 }, () => plan.append()).filter((fault) => fault !== null)
    assert.deepStrictEqual([...new Set(faults)], ["torn"])
    assert.isTrue(faults.length > 400 && faults.length < 600)
    assert.strictEqual(plan.read(), "unreadable")
    plan.enabled = false
    assert.strictEqual(plan.read(), null)
    assert.deepStrictEqual(
      [...plan.counts],
      [
        ["torn", faults.length],
        ["unreadable", 1]
      ]
    )
  })
})
