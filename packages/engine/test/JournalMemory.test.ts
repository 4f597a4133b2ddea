import { assert, describe, it } from "@effect/vitest"
import { JournalMemory } from "@onelane/engine"
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
