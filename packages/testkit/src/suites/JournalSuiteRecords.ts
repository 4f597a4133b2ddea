/**
 * JournalSuiteRecords: the part of `JournalSuite` about digests: recorded once, found again, given with a load.
 */
import { assert } from "@effect/vitest"
import { Journal } from "@onelane/engine"
import { Effect } from "effect"
import {
  alarmsOf,
  append,
  at,
  digestsOf,
  entry,
  eventsOf,
  load,
  recorded,
  recording,
  row,
  type Test
} from "./JournalSuiteCalls.js"

/** What a journal must do with digests. */
export const records = (test: Test): void => {
  test(
    "a digest is found with the sequence it was recorded for, at its own address only",
    Effect.gen(function* () {
      yield* append(entry("a", 0), entry("b", 0), entry("a", 0, { address: at("a", "Other") }))
      assert.isNull(yield* recorded("a", "k1"))
      yield* append(entry("a", 1, { records: recording(2, "k1") }))
      const found = yield* recorded("a", "k1")
      assert.strictEqual(found?.sequence, 2)
      if (found?.record) assert.deepStrictEqual(found.record, recording(2, "k1")[0])
      for (const [id, digest, kind] of [
        ["a", "k2"],
        ["a", "K1"],
        ["b", "k1"],
        ["a", "k1", "Other"]
      ] as const)
        assert.isNull(yield* recorded(id, digest, kind))
    })
  )
  test(
    "A4: an entry with a digest that is recorded is a conflict at the right sequence too, and writes nothing",
    Effect.gen(function* () {
      yield* append(entry("a", 0, { records: recording(1, "k1") }))
      const again = entry("a", 1, { state: "twice", alarmMillis: 1, records: recording(2, "k2", "k1") })
      assert.deepStrictEqual(yield* append(again), ["conflict"])
      assert.deepStrictEqual(yield* load("a"), { sequence: 1, state: { number: 1 } })
      assert.lengthOf(yield* eventsOf("a"), 1)
      assert.deepStrictEqual(yield* alarmsOf(10), [])
      assert.isNull(yield* recorded("a", "k2"))
      assert.strictEqual((yield* recorded("a", "k1"))?.sequence, 1)
      assert.deepStrictEqual(yield* append(entry("a", 1, { records: recording(2, "k2") })), ["committed"])
    })
  )
  test(
    "A4: the wrong sequence is a conflict whatever digests the entry has, and records none of them",
    Effect.gen(function* () {
      yield* append(entry("a", 0))
      assert.deepStrictEqual(yield* append(entry("a", 0, { records: recording(1, "k1") })), ["conflict"])
      assert.deepStrictEqual(yield* append(entry("b", 3, { records: recording(4, "k1") })), ["conflict"])
      assert.isNull(yield* recorded("a", "k1"))
      assert.isNull(yield* recorded("b", "k1"))
    })
  )
  test(
    "A4: entries of one batch with and without digests, known and new, are each judged alone",
    Effect.gen(function* () {
      yield* append(entry("a", 0, { records: recording(1, "k") }), entry("b", 0), entry("c", 0))
      const outcomes = yield* append(
        entry("c", 1),
        entry("d", 0, { records: recording(1, "k") }),
        entry("a", 1, { records: recording(2, "k") }),
        entry("e", 0),
        entry("b", 1, { records: recording(2, "k") })
      )
      assert.deepStrictEqual(outcomes, ["committed", "committed", "conflict", "committed", "committed"])
      for (const [id, sequence] of [
        ["a", 1],
        ["b", 2],
        ["d", 1]
      ] as const)
        assert.strictEqual((yield* recorded(id, "k"))?.sequence, sequence)
      assert.isNull(yield* recorded("c", "k"))
      assert.deepStrictEqual(yield* append(entry("b", 2, { records: recording(3, "k") })), ["conflict"])
      assert.deepStrictEqual(
        yield* append(entry("a", 1, { records: recording(2, "k2") }), entry("c", 2, { records: recording(3, "k") })),
        ["committed", "committed"]
      )
    })
  )
  test(
    "several digests of one entry each keep their own sequence",
    Effect.gen(function* () {
      const three = [...recording(1, "k1"), ...recording(2, "k2", "k3")]
      yield* append(entry("a", 0, { events: [{ number: 1 }, { number: 2 }], records: three }))
      for (const { digest, sequence } of three) assert.strictEqual((yield* recorded("a", digest))?.sequence, sequence)
      assert.deepStrictEqual(yield* digestsOf("a"), ["k1", "k2", "k3"])
    })
  )
  test(
    "a load gives all digests, or says that there are too many",
    Effect.gen(function* () {
      yield* append(entry("a", 0))
      assert.deepStrictEqual((yield* row("a"))?.digests, [])
      const all = Array.from({ length: Journal.loadedDigests }, (_, index) => `d${String(index).padStart(4, "0")}`)
      yield* append(entry("a", 1, { records: recording(2, ...all) }))
      assert.deepStrictEqual(yield* digestsOf("a"), all)
      yield* append(entry("a", 2, { records: recording(3, "one-more") }))
      assert.isNull((yield* row("a"))?.digests)
      assert.strictEqual((yield* recorded("a", "d0999"))?.sequence, 2)
      assert.strictEqual((yield* recorded("a", "one-more"))?.sequence, 3)
    })
  )
  test(
    "A4: of appends that race with one digest, at sequences of their own choice, one commits",
    Effect.gen(function* () {
      yield* append(entry("a", 0))
      const racers = Array.from({ length: 8 }, () => append(entry("a", 1, { records: recording(2, "k") })))
      const outcomes = (yield* Effect.all(racers, { concurrency: "unbounded" })).flat()
      assert.lengthOf(
        outcomes.filter((outcome) => outcome === "committed"),
        1
      )
      assert.deepStrictEqual(yield* append(entry("a", 2, { records: recording(3, "k") })), ["conflict"])
    })
  )
}
