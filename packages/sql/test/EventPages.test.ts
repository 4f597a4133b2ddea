import { assert, describe, it } from "@effect/vitest"
import { Journal } from "@onelane/engine"
import { JournalSql } from "@onelane/sql"
import { Effect, Layer } from "effect"
import { makeDatabases } from "./Databases.js"

const databases = makeDatabases()

const address = { kind: "session", id: "a" }

/** Events of these sizes, some of them appended together. */
const appended = (journal: Journal.JournalShape, sizes: ReadonlyArray<ReadonlyArray<number>>) =>
  Effect.gen(function* () {
    const all: Array<Journal.JournalEvent> = []
    for (const row of sizes) {
      const events = row.map((size, index) => ({ text: "x".repeat(size), number: all.length + index + 1 }))
      const expectedSequence = all.length
      yield* journal.append([{ address, expectedSequence, events, state: null, alarmMillis: null }])
      for (const event of events) all.push({ sequence: event.number, event })
    }
    return all
  })

describe.each(databases)("pages of events on %s", (_, client) => {
  const journal = JournalSql.layer.pipe(Layer.provide(client))

  it.scopedLive("a page ends with the event that fills it, and the next one goes on from there", () =>
    Effect.gen(function* () {
      const { events, ...rest } = yield* Journal.Journal
      const large = [600_000, 600_000, 600_000]
      const all = yield* appended({ events, ...rest }, [
        [10],
        [300_000],
        [10, 20],
        [900_000],
        large,
        [10],
        [2_000_000],
        [10]
      ])
      for (const limit of [1, 2, 100]) {
        const read: Array<Journal.JournalEvent> = []
        for (let pages = 0; read.length < all.length; pages++) {
          assert.isBelow(pages, 20)
          const page = yield* events(address, read.length, limit)
          assert.isAtLeast(page.length, 1)
          assert.isAtMost(page.length, limit)
          const before = JSON.stringify(page.slice(0, -1)).length
          assert.isBelow(before, Journal.pageBytes)
          read.push(...page)
        }
        assert.deepStrictEqual(read, all)
        assert.deepStrictEqual(yield* events(address, all.length, limit), [])
      }
      assert.lengthOf(yield* events(address, 0, 100), 5)
    }).pipe(Effect.provide(journal))
  )

  it.scopedLive("a thousand events of ordinary size come in pages of a mebibyte", () =>
    Effect.gen(function* () {
      const store = yield* Journal.Journal
      const all = yield* appended(store, [Array<number>(30).fill(200), ...Array.from({ length: 160 }, () => [8_000])])
      const page = yield* store.events(address, 0, 1_000)
      assert.isBelow(page.length, all.length)
      assert.deepStrictEqual(page, all.slice(0, page.length))
      assert.deepStrictEqual([...page, ...(yield* store.events(address, page.length, 1_000))], all)
    }).pipe(Effect.provide(journal))
  )
})
