import { assert, describe, it } from "@effect/vitest"
import { type Journal, JournalMemory } from "@onelane/engine"
import { JournalSuite } from "@onelane/testkit"
import { Effect, Layer } from "effect"

JournalSuite.run("JournalMemory", {
  makeLayer: Effect.sync(() => Layer.fresh(JournalMemory.layer)),
  survivesClosing: false
})

const { historyCapacity } = JournalMemory
const address = { kind: "session", id: "a" }

/** A journal whose one address has `count` events, the numbers from 1, written `size` at a time. */
const written = (count: number, size: number) =>
  Effect.gen(function* () {
    const journal = JournalMemory.make()
    for (let expectedSequence = 0; expectedSequence < count; expectedSequence += size) {
      const events = Array.from(
        { length: Math.min(size, count - expectedSequence) },
        (_, n) => expectedSequence + n + 1
      )
      yield* journal.append([{ address, expectedSequence, events, state: null, alarmMillis: null }])
    }
    return journal
  })

describe("JournalMemory", () => {
  for (const size of [1, 7, historyCapacity + 3])
    for (const count of [historyCapacity - 1, historyCapacity, historyCapacity + 1, 3 * historyCapacity + 5])
      it.effect(
        `keeps the last events of ${count}, written ${size} at a time, and says when older ones are asked for`,
        () =>
          Effect.gen(function* () {
            const journal = yield* written(count, size)
            const forgotten = Math.max(0, count - historyCapacity)
            for (let after = forgotten; after <= count; after++) {
              const page = yield* journal.events(address, after, 10)
              const expected = Array.from({ length: Math.min(10, count - after) }, (_, n) => after + n + 1)
              assert.deepStrictEqual(
                page,
                expected.map((sequence) => ({ sequence, event: sequence }))
              )
            }
            assert.lengthOf(yield* journal.events(address, forgotten, 10 * historyCapacity), count - forgotten)
            if (forgotten === 0) return
            const refused = yield* Effect.flip(journal.events(address, forgotten - 1, 10))
            assert.deepInclude(refused, { applied: "no", reason: "HISTORY_FORGOTTEN" })
          })
      )
})

describe("JournalMemory and bodies", () => {
  const bytes = 300_000
  const body = { value: { large: "y" }, behindFrom: 0, bytes }
  const event = (number: number) => ({ number, large: "x".repeat(bytes) })
  const entry = (expectedSequence: number, more: Partial<Journal.JournalEntry> = {}): Journal.JournalEntry => ({
    ...{ address, expectedSequence, events: [event(expectedSequence + 1)], state: null, alarmMillis: null, body },
    ...more
  })

  it.effect("keeps no more bytes of events than it may, and says when older ones are asked for", () =>
    Effect.gen(function* () {
      const journal = JournalMemory.make()
      for (let sequence = 0; sequence < 10; sequence++) yield* journal.append([entry(sequence)])
      const most = Math.floor(JournalMemory.historyBytes / bytes)
      const page = yield* journal.events(address, 10 - most, 100)
      assert.deepStrictEqual(
        page.map(({ sequence, event }) => [sequence, (event as { readonly number: number }).number]),
        Array.from({ length: most }, (_, index) => [11 - most + index, 11 - most + index])
      )
      const refused = yield* Effect.flip(journal.events(address, 9 - most, 100))
      assert.deepInclude(refused, { applied: "no", reason: "HISTORY_FORGOTTEN" })
    })
  )

  it.effect("keeps small events between large ones as long as there is room, and all of the last 64 afterwards", () =>
    Effect.gen(function* () {
      const journal = JournalMemory.make()
      const small = (sequence: number) => entry(sequence, { events: [sequence + 1], body: undefined })
      for (let sequence = 0; sequence < 5; sequence++) yield* journal.append([small(sequence)])
      for (let sequence = 5; sequence < 8; sequence++) yield* journal.append([entry(sequence)])
      assert.lengthOf(yield* journal.events(address, 0, 100), 8)
      yield* journal.append([entry(8)])
      assert.lengthOf(yield* journal.events(address, 6, 100), 3)
      assert.deepInclude(yield* Effect.flip(journal.events(address, 5, 100)), { reason: "HISTORY_FORGOTTEN" })
      for (let sequence = 9; sequence < 200; sequence++) yield* journal.append([small(sequence)])
      assert.lengthOf(yield* journal.events(address, 200 - historyCapacity, 100), historyCapacity)
      yield* journal.append([entry(200)])
      assert.lengthOf(yield* journal.events(address, 201 - historyCapacity, 100), historyCapacity)
    })
  )

  it.effect("keeps no more bytes of records than it may; an older digest cannot be recorded again all the same", () =>
    Effect.gen(function* () {
      const journal = JournalMemory.make()
      const record = (sequence: number) => ({ digest: `k${sequence}`, sequence, event: event(sequence), state: null })
      for (let sequence = 0; sequence < 30; sequence++)
        yield* journal.append([entry(sequence, { records: [record(sequence + 1)] })])
      const kept: Array<number> = []
      for (let sequence = 1; sequence <= 30; sequence++) {
        const found = yield* journal.recorded(address, `k${sequence}`)
        assert.strictEqual(found?.sequence, sequence)
        if (found !== null && found.record !== null) kept.push(sequence)
      }
      const most = Math.floor(JournalMemory.recordBytes / bytes)
      assert.deepStrictEqual(
        kept,
        Array.from({ length: kept.length }, (_, index) => 31 - kept.length + index)
      )
      assert.isAtMost(kept.length, most)
      assert.isAtLeast(kept.length, most - 1)
      assert.deepStrictEqual(yield* journal.append([entry(30, { records: [record(1)] })]), ["conflict"])
    })
  )
})
