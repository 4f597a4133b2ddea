/**
 * JournalSuiteRemoval: how addresses are scanned and removed, as `JournalSuite` requires of every journal.
 */
import { assert } from "@effect/vitest"
import { Journal } from "@onelane/engine"
import { Effect } from "effect"
import { alarmsOf, append, at, entry, eventsOf, load, recorded, recording, type Test } from "./JournalSuiteCalls.js"

const remove = (removals: ReadonlyArray<Journal.JournalRemoval>, kind = "Thing") =>
  Effect.flatMap(Journal.Journal, (journal) => journal.remove(kind, removals))

/** Every part of what is stored, put together. */
const selectAll = (wanted: (id: string, state: unknown) => boolean, kind = "Thing") =>
  Effect.gen(function* () {
    const journal = yield* Journal.Journal
    const found: Array<Journal.JournalStored> = []
    let after: string | null = ""
    while (after !== null) {
      const part: Journal.JournalSelection = yield* journal.select(kind, after, wanted)
      found.push(...part.found)
      after = part.next
    }
    return found.sort((left, right) => (left.id < right.id ? -1 : 1))
  })

/** Registers the tests. */
export const removal = (test: Test): void => {
  test(
    "a removed address has no row, events, records or alarm, and may begin anew; others keep theirs",
    Effect.gen(function* () {
      const keyed = { alarmMillis: 5, records: recording(1, "k") }
      yield* append(entry("a", 0, keyed), entry("b", 0, keyed), { ...entry("a", 0, keyed), address: at("a", "Other") })
      yield* append(entry("a", 1, { alarmMillis: 5 }))
      assert.deepStrictEqual(yield* remove([{ id: "a", sequence: 2 }]), [true])
      assert.isNull(yield* load("a"))
      assert.deepStrictEqual(yield* eventsOf("a"), [])
      assert.isNull(yield* recorded("a", "k"))
      assert.deepStrictEqual(yield* alarmsOf(10), [{ id: "b", alarmMillis: 5 }])
      assert.deepStrictEqual(yield* append(entry("a", 2)), ["conflict"])
      assert.deepStrictEqual(yield* append(entry("a", 0, { records: recording(1, "k") })), ["committed"])
      assert.lengthOf(yield* eventsOf("b"), 1)
      assert.strictEqual((yield* recorded("b", "k"))?.sequence, 1)
      assert.strictEqual((yield* load("a", "Other"))?.sequence, 1)
    })
  )
  test(
    "a removal is fenced: an address at another sequence stays as it is, one that is not there is gone",
    Effect.gen(function* () {
      yield* append(entry("a", 0), entry("b", 0), entry("c%\0", 0))
      yield* append(entry("a", 1))
      const removals = [
        { id: "a", sequence: 1 },
        { id: "b", sequence: 1 },
        { id: "c%\0", sequence: 1 },
        { id: "nobody", sequence: 3 }
      ]
      assert.deepStrictEqual(yield* remove(removals), [false, true, true, true])
      assert.deepStrictEqual(yield* load("a"), { sequence: 2, state: { number: 2 } })
      assert.lengthOf(yield* eventsOf("a"), 2)
      assert.isNull(yield* load("b"))
      assert.isNull(yield* load("c%\0"))
      assert.deepStrictEqual(yield* remove([]), [])
    })
  )
  test(
    "what is stored is looked through part by part, with sequence and state, and removed a thousand at a time",
    Effect.gen(function* () {
      const ids = Array.from({ length: 2_500 }, (_, index) => `id-${String(index).padStart(4, "0")}`)
      for (let from = 0; from < ids.length; from += 500) {
        const part = ids.slice(from, from + 500)
        yield* append(...part.map((id, index) => entry(id, 0, { state: { number: from + index } })))
      }
      yield* append(entry("elsewhere", 0, { address: at("elsewhere", "Other") }))
      const isOdd = (_: string, state: unknown) => (state as { readonly number: number }).number % 2 === 1
      const odd = yield* selectAll(isOdd)
      assert.deepStrictEqual(
        odd.map(({ id }) => id),
        ids.filter((_, index) => index % 2 === 1)
      )
      assert.deepStrictEqual(odd[0], { id: "id-0001", sequence: 1, state: { number: 1 } })
      const gone = yield* remove(odd.slice(0, Journal.removalCapacity))
      assert.lengthOf(gone, Journal.removalCapacity)
      assert.isTrue(gone.every((isGone) => isGone))
      assert.lengthOf(yield* selectAll(() => true), 1_500)
      yield* Effect.flatMap(Journal.Journal, ({ compact }) => compact)
      assert.lengthOf(yield* selectAll(() => true), 1_500)
    })
  )
}
