/**
 * Fence: notices that the store has fenced itself off. An append whose outcome is unknown leaves memory and disk apart;
 * only opening the file anew tells what is true, so the process ends and whoever runs it starts it again.
 *
 * Source: CONTRACT §2, "three answers, never blurred".
 */
import { Journal } from "@onelane/engine"
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"

/** The store is fenced. `reason` is the journal's word for what went wrong. */
export interface StoreFenced {
  readonly _tag: "StoreFenced"
  readonly reason: string
}

const isFence = (failed: Journal.JournalFailure): boolean => failed.reason === "FENCED" || failed.applied === "unknown"

/** The journal, with `onFence` told of the first sign. An answer that is an `Exit` stays one. */
export const watch = (journal: Journal.JournalShape, onFence: (fenced: StoreFenced) => void): Journal.JournalShape => {
  const note = (failed: Journal.JournalFailure): void => {
    if (isFence(failed)) onFence({ _tag: "StoreFenced", reason: failed.reason })
  }
  const watched = <A>(answer: Effect.Effect<A, Journal.JournalFailure>): Effect.Effect<A, Journal.JournalFailure> => {
    if (!Exit.isExit(answer)) return Effect.tapError(answer, (failed) => Effect.sync(() => note(failed)))
    if (Exit.isFailure(answer)) for (const failed of Cause.failures(answer.cause as Cause.Cause<any>)) note(failed)
    return answer
  }
  return {
    ...journal,
    append: (batch) => watched(journal.append(batch)),
    alarms: (kind, beforeMillis, limit, after) => watched(journal.alarms(kind, beforeMillis, limit, after))
  }
}

/** The journal in force, watched: `fenced` fails at the first sign. */
export const layer = (
  fenced: Deferred.Deferred<never, StoreFenced>
): Layer.Layer<Journal.Journal, never, Journal.Journal> =>
  Layer.effect(
    Journal.Journal,
    Effect.map(Journal.Journal, (journal) => watch(journal, (sign) => Deferred.unsafeDone(fenced, Effect.fail(sign))))
  )
