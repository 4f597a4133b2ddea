/**
 * JournalSuite: what every implementation of `engine/Journal` must do. The fence is A4.
 */
import { assert, describe, it } from "@effect/vitest"
import type { Journal } from "@onelane/engine"
import { Effect, Exit, type Layer, type Scope } from "effect"
import { bodies } from "./JournalSuiteBodies.js"
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
  type Test
} from "./JournalSuiteCalls.js"
import { records } from "./JournalSuiteRecords.js"
import { removal } from "./JournalSuiteRemoval.js"
import { ids, values } from "./JournalSuiteValues.js"

/** A journal under test. */
export interface JournalSubject {
  /** Returns a layer over a new, empty store. A layer built again after its scope closed uses the same store. */
  readonly makeLayer: Effect.Effect<Layer.Layer<Journal.Journal, unknown>, unknown, Scope.Scope>
  /** Whether what is committed is still there when the layer is built again. */
  readonly survivesClosing: boolean
}

/** Registers the suite. */
export const run = (name: string, subject: JournalSubject): void => {
  const test = (title: string, body: Effect.Effect<void, unknown, Journal.Journal>): void =>
    it.scoped(title, () => Effect.flatMap(subject.makeLayer, (layer) => Effect.provide(body, layer)))
  describe(name, () => {
    describe("appending", () => appending(test))
    describe("the fence", () => fence(test))
    describe("records", () => records(test))
    describe("what is stored", () => stored(test))
    describe("bodies", () => bodies(test))
    describe("events", () => events(test))
    describe("alarms", () => alarms(test))
    describe("removal", () => removal(test))
    if (subject.survivesClosing) describe("closing", () => closing(subject))
  })
}

const appending = (test: Test): void => {
  test(
    "an address that was never written has no row, events or alarm",
    Effect.gen(function* () {
      assert.isNull(yield* load("a"))
      assert.deepStrictEqual(yield* eventsOf("a"), [])
      assert.deepStrictEqual(yield* alarmsOf(Number.MAX_SAFE_INTEGER), [])
    })
  )
  test(
    "an append is there for the next load",
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* append(entry("a", 0)), ["committed"])
      assert.deepStrictEqual(yield* load("a"), { sequence: 1, state: { number: 1 } })
      assert.deepStrictEqual(yield* append(entry("a", 1)), ["committed"])
      assert.deepStrictEqual(yield* load("a"), { sequence: 2, state: { number: 2 } })
    })
  )
  test(
    "several events of one entry take the numbers after each other",
    Effect.gen(function* () {
      yield* append(entry("a", 0, { events: ["x", "y", "z"], state: "after z" }))
      yield* append(entry("a", 3, { events: ["w"], state: "after w" }))
      assert.deepStrictEqual(yield* load("a"), { sequence: 4, state: "after w" })
      assert.deepStrictEqual(
        yield* eventsOf("a"),
        ["x", "y", "z", "w"].map((event, index) => ({ sequence: index + 1, event }))
      )
    })
  )
  test(
    "an empty batch commits nothing and answers nothing",
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* append(), [])
    })
  )
  test(
    "a batch of a thousand addresses is committed whole, twice",
    Effect.gen(function* () {
      const ids = Array.from({ length: 1_000 }, (_, index) => `id-${index}`)
      for (const sequence of [0, 1]) {
        const outcomes = yield* append(...ids.map((id) => entry(id, sequence)))
        assert.deepStrictEqual(outcomes, Array(1_000).fill("committed"))
      }
      for (const id of ids) assert.deepStrictEqual(yield* load(id), { sequence: 2, state: { number: 2 } })
    })
  )
  test(
    "addresses of two kinds with one id do not meet",
    Effect.gen(function* () {
      yield* append(entry("a", 0), entry("a", 0, { address: at("a", "Other"), state: "other" }))
      assert.deepStrictEqual(yield* load("a"), { sequence: 1, state: { number: 1 } })
      assert.deepStrictEqual(yield* load("a", "Other"), { sequence: 1, state: "other" })
    })
  )
}

const fence = (test: Test): void => {
  test(
    "A4: an append at any other sequence is a conflict and writes nothing",
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* append(entry("a", 1)), ["conflict"])
      assert.isNull(yield* load("a"))
      yield* append(entry("a", 0))
      yield* append(entry("a", 1, { alarmMillis: 10 }))
      for (const wrong of [0, 1, 3]) {
        assert.deepStrictEqual(yield* append(entry("a", wrong, { state: "stale", alarmMillis: 5 })), ["conflict"])
      }
      assert.deepStrictEqual(yield* load("a"), { sequence: 2, state: { number: 2 } })
      assert.lengthOf(yield* eventsOf("a"), 2)
      assert.deepStrictEqual(yield* alarmsOf(100), [{ id: "a", alarmMillis: 10 }])
    })
  )
  test(
    "A4: conflicts are told per entry, in the order of the batch; the others commit",
    Effect.gen(function* () {
      yield* append(entry("b", 0), entry("d", 0))
      const outcomes = yield* append(entry("d", 0), entry("c", 0), entry("a", 7), entry("b", 1))
      assert.deepStrictEqual(outcomes, ["conflict", "committed", "conflict", "committed"])
      for (const id of ["d", "c"]) assert.strictEqual((yield* load(id))?.sequence, 1)
      assert.isNull(yield* load("a"))
      assert.strictEqual((yield* load("b"))?.sequence, 2)
      const later = yield* append(entry("d", 1), entry("b", 1), entry("none", 4), entry("c", 1))
      assert.deepStrictEqual(later, ["committed", "conflict", "conflict", "committed"])
      for (const id of ["d", "b", "c"]) assert.strictEqual((yield* load(id))?.sequence, 2)
    })
  )
  test(
    "A4: of appends that race for one sequence, one commits",
    Effect.gen(function* () {
      for (let sequence = 0; sequence < 20; sequence++) {
        const racers = Array.from({ length: 8 }, (_, racer) => append(entry("a", sequence, { state: racer })))
        const outcomes = (yield* Effect.all(racers, { concurrency: "unbounded" })).flat()
        assert.lengthOf(
          outcomes.filter((outcome) => outcome === "committed"),
          1
        )
        assert.deepStrictEqual(yield* load("a"), { sequence: sequence + 1, state: outcomes.indexOf("committed") })
      }
    })
  )
  test(
    "appenders to addresses of their own do not disturb each other",
    Effect.gen(function* () {
      const appender = (id: string) =>
        Effect.forEach(
          Array.from({ length: 25 }, (_, sequence) => entry(id, sequence)),
          (each) => append(each)
        )
      const ids = Array.from({ length: 16 }, (_, index) => `id-${index}`)
      const outcomes = yield* Effect.forEach(ids, appender, { concurrency: "unbounded" })
      assert.deepStrictEqual(outcomes.flat(2), Array(400).fill("committed"))
      for (const id of ids) assert.strictEqual((yield* load(id))?.sequence, 25)
    })
  )
}

const stored = (test: Test): void => {
  test(
    "states and events come back as they were, whatever they are",
    Effect.gen(function* () {
      for (const [title, value] of Object.entries(values)) {
        yield* append(entry(title, 0, { state: value, events: [value, value] }))
        assert.deepStrictEqual(yield* load(title), { sequence: 2, state: value }, title)
        const events = [1, 2].map((sequence) => ({ sequence, event: value }))
        assert.deepStrictEqual(yield* eventsOf(title), events, title)
      }
    })
  )
  test(
    "no two ids meet, whatever characters they hold",
    Effect.gen(function* () {
      yield* append(...ids.map((id) => entry(id, 0, { state: `state of ${id}`, alarmMillis: 1 })))
      for (const id of ids) assert.strictEqual((yield* load(id))?.state, `state of ${id}`)
      assert.deepStrictEqual(new Set((yield* alarmsOf(1)).map(({ id }) => id)), new Set(ids))
    })
  )
}

const events = (test: Test): void => {
  test(
    "pages of any size, from any sequence, put together what was appended",
    Effect.gen(function* () {
      const all: Array<Journal.JournalEvent> = []
      for (const size of [1, 3, 1, 7, 2, 1, 1, 5]) {
        const added = Array.from({ length: size }, (_, index) => all.length + index + 1)
        yield* append(entry("a", all.length, { events: added }))
        for (const event of added) all.push({ sequence: event, event })
      }
      for (const limit of [1, 2, 3, 5, 100]) {
        for (let after = 0; after <= all.length + 1; after++) {
          assert.deepStrictEqual(yield* eventsOf("a", after, limit), all.slice(after, after + limit))
        }
      }
    })
  )
}

const alarms = (test: Test): void => {
  test(
    "alarms come by time, then id, up to an instant and of one kind",
    Effect.gen(function* () {
      const times: Readonly<Record<string, number>> = { d: 30, b: 10, c: 10, a: 20, e: 40 }
      yield* append(...Object.entries(times).map(([id, alarmMillis]) => entry(id, 0, { alarmMillis })))
      yield* append(entry("f", 0), entry("b", 0, { address: at("b", "Other"), alarmMillis: 1 }))
      const due = (before: number) => Effect.map(alarmsOf(before), (found) => found.map(({ id }) => id).join(""))
      assert.strictEqual(yield* due(9), "")
      assert.strictEqual(yield* due(10), "bc")
      assert.strictEqual(yield* due(39), "bcad")
      assert.strictEqual(yield* due(1_000), "bcade")
      assert.deepStrictEqual(yield* alarmsOf(100, 10, undefined, "Other"), [{ id: "b", alarmMillis: 1 }])
    })
  )
  test(
    "the last append of an address sets, keeps, moves and clears its alarm",
    Effect.gen(function* () {
      for (const [sequence, alarmMillis] of [5, 5, 9, null, 7].entries()) {
        yield* append(entry("a", sequence, { alarmMillis }))
        assert.deepStrictEqual(yield* alarmsOf(100), alarmMillis === null ? [] : [{ id: "a", alarmMillis }])
      }
    })
  )
  test(
    "pages of alarms, each behind the last of the one before, put together all of them",
    Effect.gen(function* () {
      const batch = Array.from({ length: 50 }, (_, index) =>
        entry(`id-${String(index).padStart(2, "0")}`, 0, { alarmMillis: (index * 7) % 5 })
      )
      yield* append(...batch)
      const all = yield* alarmsOf(100)
      assert.lengthOf(all, 50)
      for (const limit of [1, 3, 10, 50]) {
        const paged: Array<Journal.JournalAlarm> = []
        for (
          let page = yield* alarmsOf(100, limit);
          page.length > 0;
          page = yield* alarmsOf(100, limit, paged.at(-1))
        ) {
          assert.isAtMost(page.length, limit)
          paged.push(...page)
        }
        assert.deepStrictEqual(paged, all)
      }
    })
  )
}

const closing = (subject: JournalSubject): void => {
  it.scoped("a journal that is opened again holds all it ever committed, and fences by it", () =>
    Effect.gen(function* () {
      const layer = yield* subject.makeLayer
      for (let sequence = 0; sequence < 3; sequence++) {
        const records = recording(sequence + 1, `k${sequence}`)
        const round = append(entry("a", sequence, { alarmMillis: sequence, records }), entry(`only-${sequence}`, 0))
        assert.deepStrictEqual(yield* Effect.provide(round, layer), ["committed", "committed"])
      }
      const after = Effect.gen(function* () {
        assert.deepStrictEqual(yield* append(entry("a", 2)), ["conflict"])
        assert.deepStrictEqual(yield* append(entry("a", 3, { records: recording(4, "k1") })), ["conflict"])
        assert.deepStrictEqual(yield* digestsOf("a"), ["k0", "k1", "k2"])
        assert.strictEqual((yield* recorded("a", "k2"))?.sequence, 3)
        assert.deepStrictEqual(yield* load("a"), { sequence: 3, state: { number: 3 } })
        assert.lengthOf(yield* eventsOf("a"), 3)
        assert.deepStrictEqual(yield* alarmsOf(10), [{ id: "a", alarmMillis: 2 }])
        for (let round = 0; round < 3; round++) assert.strictEqual((yield* load(`only-${round}`))?.sequence, 1)
      })
      yield* Effect.provide(after, layer)
    })
  )
  it.scoped("what was acknowledged before an interruption is there afterwards", () =>
    Effect.gen(function* () {
      const layer = yield* subject.makeLayer
      let acknowledged = 0
      const writer = Effect.forever(
        Effect.gen(function* () {
          const outcomes = yield* append(entry("a", acknowledged))
          assert.deepStrictEqual(outcomes, ["committed"])
          acknowledged += 1
          if (acknowledged === 20) return yield* Effect.interrupt
        })
      )
      assert.isTrue(Exit.isInterrupted(yield* Effect.exit(Effect.provide(writer, layer))))
      assert.strictEqual((yield* Effect.provide(load("a"), layer))?.sequence, 20)
    })
  )
}
