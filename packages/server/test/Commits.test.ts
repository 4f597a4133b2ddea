/** Whether a server takes work, by what became of its last commit. */
import { assert, describe, it } from "@effect/vitest"
import { Journal, JournalMemory } from "@onelane/engine"
import { Effect, Exit, TestClock } from "effect"
import * as Operations from "../src/operations/Operations.js"
import * as Commits from "../src/serve/Commits.js"

const entry = (id: string): Journal.JournalEntry => ({
  address: { kind: "session", id },
  expectedSequence: 0,
  events: [{}],
  state: {},
  alarmMillis: null
})

/** A journal in memory whose commits fail for a reason while there is one. `waits`: its answers are no `Exit`s. */
const faulty = (waits: boolean) =>
  Effect.map(Journal.Journal, (memory) => {
    const fault = { reason: null as string | null, attempts: 0 }
    const append = (batch: ReadonlyArray<Journal.JournalEntry>) => {
      fault.attempts += 1
      const answer = fault.reason === null ? memory.append(batch) : Exit.fail(Journal.failure("no", fault.reason))
      return waits ? Effect.zipRight(Effect.yieldNow(), answer) : answer
    }
    return { fault, journal: { ...memory, append } }
  })

const statusOf = (commits: Commits.Commits) =>
  Effect.map(
    Operations.ready({
      journal: commits.journal,
      failing: commits.failing,
      refusing: () => null
    } as unknown as Operations.Parts),
    ({ body, status }) => [status, JSON.parse(body as string).status]
  )

describe("readiness by the last commit", () => {
  for (const waits of [false, true]) {
    for (const reason of ["READONLY", "DISK_FULL", "DISCONNECTED"]) {
      it.scoped(
        `O1 a store that answers ${reason} is retried once a second until it is ready (asynchronous: ${waits})`,
        () =>
          Effect.gen(function* () {
            const { fault, journal } = yield* faulty(waits)
            const commits = yield* Commits.watch(journal)
            assert.deepStrictEqual(yield* statusOf(commits), [200, "ready"])
            fault.reason = reason
            yield* Effect.ignore(commits.journal.append([entry("a")]))
            assert.deepStrictEqual(yield* statusOf(commits), [503, "store takes no commits"])
            fault.attempts = 0
            yield* TestClock.adjust("5 seconds")
            assert.strictEqual(fault.attempts, 5)
            assert.deepStrictEqual(yield* statusOf(commits), [503, "store takes no commits"])
            fault.reason = null
            yield* TestClock.adjust("1 seconds")
            assert.deepStrictEqual(yield* statusOf(commits), [200, "ready"])
            fault.attempts = 0
            yield* TestClock.adjust("10 seconds")
            assert.strictEqual(fault.attempts, 0)
            assert.isNull(yield* journal.load({ kind: "readyz", id: "readyz" }))
          }).pipe(Effect.provide(JournalMemory.layer))
      )
    }
  }

  it.scoped("O1 an entry refused for its content leaves the store ready", () =>
    Effect.gen(function* () {
      const { fault, journal } = yield* faulty(false)
      const commits = yield* Commits.watch(journal)
      for (const reason of ["INVALID_TEXT", "TOO_BIG", "CONSTRAINT", "BUSY"]) {
        fault.reason = reason
        yield* Effect.ignore(commits.journal.append([entry("a")]))
        assert.deepStrictEqual(yield* statusOf(commits), [200, "ready"])
      }
    }).pipe(Effect.provide(JournalMemory.layer))
  )

  it.scoped("O1 one successful commit makes the store ready at once", () =>
    Effect.gen(function* () {
      const { fault, journal } = yield* faulty(false)
      const commits = yield* Commits.watch(journal)
      fault.reason = "DISK_FULL"
      yield* Effect.ignore(commits.journal.append([entry("a")]))
      fault.reason = null
      assert.isTrue(Exit.isExit(commits.journal.append([entry("a")])), "answered at once, as before")
      assert.deepStrictEqual(yield* statusOf(commits), [200, "ready"])
    }).pipe(Effect.provide(JournalMemory.layer))
  )
})
