/**
 * JournalSuiteBodies: the large part of a state, stored apart, as `JournalSuite` asks of every journal.
 */
import { assert } from "@effect/vitest"
import { Journal } from "@onelane/engine"
import { Effect } from "effect"
import { append, at, entry, row, type Test } from "./JournalSuiteCalls.js"
import { values } from "./JournalSuiteValues.js"

/** The body change of an entry: the body it writes, and the first event that the stored body lacks. */
const says = (value: unknown, behindFrom: number | undefined = 0): Partial<Journal.JournalEntry> => ({
  body: { value, behindFrom, bytes: 1 }
})

const bodyOf = (id: string, kind?: string) => Effect.map(row(id, kind), (found) => found?.body)

const whole = (value: unknown) => ({ value, since: [] })

/** Registers the tests. */
export const bodies = (test: Test): void => {
  test(
    "a body is there for the next load, stays while nothing is said of it, and is replaced",
    Effect.gen(function* () {
      yield* append(entry("a", 0, says({ first: true })), entry("b", 0))
      assert.deepStrictEqual(yield* bodyOf("a"), whole({ first: true }))
      assert.isUndefined(yield* bodyOf("b"))
      yield* append(entry("a", 1), entry("b", 1, says("later")))
      yield* append(entry("a", 2, says(undefined, undefined)))
      assert.deepStrictEqual(yield* bodyOf("a"), whole({ first: true }))
      assert.deepStrictEqual(yield* bodyOf("b"), whole("later"))
      yield* append(entry("a", 3, says(["second"])))
      assert.deepInclude(yield* row("a"), { sequence: 4, state: { number: 4 }, body: whole(["second"]) })
    })
  )
  test(
    "a body that is gone is not loaded any more",
    Effect.gen(function* () {
      yield* append(entry("a", 0, says({ large: "x" })))
      yield* append(entry("a", 1, says(null)))
      assert.isNull((yield* bodyOf("a"))?.value ?? null)
    })
  )
  test(
    "A4: an entry that is refused leaves the body as it is",
    Effect.gen(function* () {
      yield* append(entry("a", 0, says("first")))
      const outcomes = yield* append(entry("a", 0, says("stale")), entry("new", 3, says("stale")))
      assert.deepStrictEqual(outcomes, ["conflict", "conflict"])
      assert.deepStrictEqual(yield* bodyOf("a"), whole("first"))
      assert.isNull(yield* row("new"))
    })
  )
  test(
    "bodies of two kinds with one id do not meet, and one of a mebibyte comes back",
    Effect.gen(function* () {
      const large = { text: "é".repeat(524_288) }
      yield* append(entry("a", 0, says(large)), entry("a", 0, { ...says("other"), address: at("a", "Other") }))
      assert.deepStrictEqual(yield* bodyOf("a"), whole(large))
      assert.deepStrictEqual(yield* bodyOf("a", "Other"), whole("other"))
    })
  )
  test(
    "bodies come back as they were, whatever they are",
    Effect.gen(function* () {
      for (const [title, value] of Object.entries(values)) {
        if (value === null) continue
        yield* append(entry(title, 0, says(value)))
        assert.deepStrictEqual(yield* bodyOf(title), whole(value), title)
      }
    })
  )
  test(
    "a removed address has no body, and may begin anew without one",
    Effect.gen(function* () {
      const journal = yield* Journal.Journal
      yield* append(entry("a", 0, says("gone")), entry("b", 0, says("kept")))
      assert.deepStrictEqual(yield* journal.remove("Thing", [{ id: "a", sequence: 1 }]), [true])
      yield* append(entry("a", 0))
      assert.isUndefined(yield* bodyOf("a"))
      assert.deepStrictEqual(yield* bodyOf("b"), whole("kept"))
    })
  )
  test(
    "who looks through what is stored gets states without their bodies",
    Effect.gen(function* () {
      const journal = yield* Journal.Journal
      yield* append(entry("a", 0, says("large")))
      const { found } = yield* journal.select("Thing", "", () => true)
      assert.deepStrictEqual(found, [{ id: "a", sequence: 1, state: { number: 1 } }])
    })
  )
  test(
    "a body that may lack events is loaded with them, whatever append they came in",
    Effect.gen(function* () {
      const { bodyLagEvents = 0 } = yield* Journal.Journal
      if (bodyLagEvents === 0) return
      const event = (sequence: number) => ({ sequence, event: { number: sequence } })
      yield* append(entry("a", 0, { ...says("first"), events: [{ number: 1 }, { number: 2 }] }))
      yield* append(entry("a", 2, says(undefined, 3)))
      assert.deepStrictEqual(yield* bodyOf("a"), { value: "first", since: [event(3)] })
      // Nothing more is said of it, and a first event of this append is in the body already.
      yield* append(entry("a", 3, { events: [{ number: 4 }, { number: 5 }] }))
      assert.deepStrictEqual(yield* bodyOf("a"), { value: "first", since: [event(3), event(4), event(5)] })
      yield* append(entry("a", 5, { ...says("second", 7), events: [{ number: 6 }, { number: 7 }] }))
      assert.deepStrictEqual(yield* bodyOf("a"), { value: "second", since: [event(7)] })
      yield* append(entry("a", 7, says("third")))
      assert.deepStrictEqual(yield* bodyOf("a"), whole("third"))
    })
  )
}
