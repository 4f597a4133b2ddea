/**
 * Commits: whether the store accepts commits, judged by the last one. While it does not (the database is read-only, the
 * disk is full), one small commit a second is tried, so that a server without traffic notices when the store recovers.
 *
 * A refusal that is caused by the content of one entry does not count.
 */
import type { Journal } from "@onelane/engine"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"

/** A watched journal. */
export interface Commits {
  readonly journal: Journal.JournalShape
  /** The journal's reason why the last commit failed; null if it succeeded. */
  readonly failing: () => string | null
}

type Appended = ReturnType<Journal.JournalShape["append"]>

/** Reasons that concern one entry or one moment only. */
const passing: ReadonlySet<string> = new Set(["INVALID_TEXT", "TOO_BIG", "CONSTRAINT", "BUSY", "INTERRUPTED"])

/** How often a failing store is tried, milliseconds. */
const everyMillis = 1_000

/** The address of the trial commits. */
const kind = "readyz"
const id = "readyz"

/** Watches a journal until the scope closes. An answer that is an `Exit` stays an `Exit`. */
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

/** Commits one small entry and removes it again. */
const attempt = ({ append, load, remove }: Journal.JournalShape) =>
  Effect.gen(function* () {
    const sequence = (yield* load({ kind, id }))?.sequence ?? 0
    const entry = { address: { kind, id }, expectedSequence: sequence, events: [null], state: null, alarmMillis: null }
    yield* append([entry])
    yield* remove(kind, [{ id, sequence: sequence + 1 }])
  })
