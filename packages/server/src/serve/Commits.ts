/**
 * Commits: whether the store takes commits, judged by the last one. While it does not (the database is read-only, the disk
 * is full), one small commit a second is tried, so that a server nobody sends work to any more notices when it does again.
 *
 * An entry that the store refuses for what is in it says nothing about the next one.
 */
import type { Journal } from "@onelane/engine"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"

/** A watched journal. */
export interface Commits {
  readonly journal: Journal.JournalShape
  /** The word of the journal for why the last commit failed; null when it did not. */
  readonly failing: () => string | null
}

type Appended = ReturnType<Journal.JournalShape["append"]>

/** Refusals of one entry, or of a moment. */
const passing: ReadonlySet<string> = new Set(["INVALID_TEXT", "TOO_BIG", "CONSTRAINT", "BUSY", "INTERRUPTED"])

/** How often a failing store is tried. */
const everyMillis = 1_000

/** The address of the commits that only try. */
const kind = "readyz"
const id = "readyz"

/** Watches a journal, until the scope closes. An answer that is an `Exit` stays one. */
export const watch = (journal: Journal.JournalShape): Effect.Effect<Commits, never, Scope.Scope> =>
  Effect.gen(function* () {
    let failing: string | null = null
    const failed = ({ reason }: Journal.JournalFailure): void => {
      if (!passing.has(reason)) failing = reason
    }
    const append = (batch: ReadonlyArray<Journal.JournalEntry>): Appended => {
      const answer = journal.append(batch)
      if (!Exit.isExit(answer)) return Effect.onExit(answer, (exit) => Effect.sync(() => note(exit)))
      note(answer as Exit.Exit<unknown, Journal.JournalFailure>)
      return answer
    }
    const note = (exit: Exit.Exit<unknown, Journal.JournalFailure>): void => {
      if (Exit.isSuccess(exit)) failing = null
      else for (const each of Cause.failures(exit.cause)) failed(each)
    }
    const look = Effect.suspend(() => (failing === null ? Effect.void : attempt({ ...journal, append })))
    yield* Effect.forkScoped(Effect.forever(Effect.delay(Effect.ignore(look), everyMillis)))
    return { journal: { ...journal, append }, failing: () => failing }
  })

/** Commits next to nothing, and removes it again. */
const attempt = ({ append, load, remove }: Journal.JournalShape) =>
  Effect.gen(function* () {
    const sequence = (yield* load({ kind, id }))?.sequence ?? 0
    const entry = { address: { kind, id }, expectedSequence: sequence, events: [null], state: null, alarmMillis: null }
    yield* append([entry])
    yield* remove(kind, [{ id, sequence: sequence + 1 }])
  })
