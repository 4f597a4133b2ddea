import { assert, describe, it } from "@effect/vitest"
import { Journal, JournalMemory } from "@onelane/engine"
import { Effect, Exit } from "effect"
import * as Fence from "../src/serve/Fence.js"

const failing = (failed: Journal.JournalFailure, now: boolean): Journal.JournalShape => ({
  ...JournalMemory.make(),
  append: () => (now ? Exit.fail(failed) : Effect.suspend(() => Effect.fail(failed))),
  alarms: () => Effect.fail(failed)
})

const signs = (failed: Journal.JournalFailure, now = true) =>
  Effect.gen(function* () {
    const seen: Array<Fence.StoreFenced> = []
    const journal = Fence.watch(failing(failed, now), (sign) => seen.push(sign))
    const answer = journal.append([])
    assert.strictEqual(Exit.isExit(answer), now)
    assert.deepStrictEqual(yield* Effect.flip(answer), failed)
    assert.deepStrictEqual(yield* Effect.flip(journal.alarms("session", 0, 1)), failed)
    return seen.map(({ reason }) => reason)
  })

describe("Fence", () => {
  it.effect("an append with an unknown outcome is a sign of a fence, at once or later", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* signs(Journal.failure("unknown", "IO")), ["IO", "IO"])
      assert.deepStrictEqual(yield* signs(Journal.failure("unknown", "IO"), false), ["IO", "IO"])
    })
  )

  it.effect("FENCED is a sign of a fence; a full or busy disk is not, because it can recover", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* signs(Journal.failure("no", "FENCED")), ["FENCED", "FENCED"])
      assert.deepStrictEqual(yield* signs(Journal.failure("no", "DISK_FULL")), [])
      assert.deepStrictEqual(yield* signs(Journal.failure("no", "BUSY")), [])
    })
  )

  it.effect("a failed read is a sign of a fence only if the store is closed", () =>
    Effect.gen(function* () {
      const seen: Array<string> = []
      for (const reason of ["FENCED", "FILE_REPLACED", "IO", "CORRUPT"]) {
        const failed = Journal.failure("unknown", reason)
        const journal = { ...JournalMemory.make(), load: () => Exit.fail(failed) }
        const watched = Fence.watch(journal, (sign) => seen.push(sign.reason))
        assert.deepStrictEqual(yield* Effect.flip(watched.load({ kind: "k", id: "1" })), failed)
      }
      assert.deepStrictEqual(seen, ["FENCED", "FILE_REPLACED"])
    })
  )

  it.effect("successful answers pass through unchanged", () =>
    Effect.gen(function* () {
      const journal = Fence.watch(JournalMemory.make(), () => assert.fail("no sign"))
      const entry = { address: { kind: "k", id: "1" }, expectedSequence: 0, events: [1], state: 1, alarmMillis: null }
      const answer = journal.append([entry])
      assert.isTrue(Exit.isExit(answer))
      assert.deepStrictEqual(yield* answer, ["committed"])
    })
  )
})
