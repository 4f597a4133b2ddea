/**
 * Fence: notices that the store has fenced itself. After an append with an unknown outcome memory and disk may differ,
 * and a file that was removed or replaced is no longer the store. Only opening the file again shows what is true, so
 * the process ends and its supervisor restarts it. A store without traffic is checked every second.
 *
 * Source: CONTRACT §2.
 */
import { Journal, RareLog } from "@onelane/engine"
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"

/** The store is fenced. `reason`: the journal's reason. */
export interface StoreFenced {
  readonly _tag: "StoreFenced"
  readonly reason: string
}

const isClosed = ({ reason }: Journal.JournalFailure): boolean => reason === "FENCED" || reason === "FILE_REPLACED"

const isFence = (failed: Journal.JournalFailure): boolean => isClosed(failed) || failed.applied === "unknown"

/**
 * The journal; calls `onFence` at the first sign of a fence, and `onDamage` when data cannot be read. An `Exit` stays
 * an `Exit`.
 */
export const watch = (
  journal: Journal.JournalShape,
  onFence: (fenced: StoreFenced) => void,
  onDamage: (failed: Journal.JournalFailure) => void = () => {}
): Journal.JournalShape => {
  const watched = <A>(
    answer: Effect.Effect<A, Journal.JournalFailure>,
    isSign = isFence
  ): Effect.Effect<A, Journal.JournalFailure> => {
    const note = (failed: Journal.JournalFailure): void => {
      if (failed.reason === "CORRUPT") onDamage(failed)
      if (isSign(failed)) onFence({ _tag: "StoreFenced", reason: failed.reason })
    }
    if (!Exit.isExit(answer)) return Effect.tapError(answer, (failed) => Effect.sync(() => note(failed)))
    if (Exit.isFailure(answer)) for (const failed of Cause.failures(answer.cause as Cause.Cause<any>)) note(failed)
    return answer
  }
  return {
    ...journal,
    append: (batch) => watched(journal.append(batch)),
    events: (address, after, limit) => watched(journal.events(address, after, limit), isClosed),
    load: (address) => watched(journal.load(address), isClosed),
    alarms: (kind, beforeMillis, limit, after) => watched(journal.alarms(kind, beforeMillis, limit, after))
  }
}

const damaged = "the store is damaged: look at it with onelane doctor, then restore a backup with onelane restore"

/** How often a store without traffic is checked, milliseconds. */
const everyMillis = 1_000

// An address that does not exist: the cheapest read.
const nobody = { kind: "fence", id: "fence" }

/** The current journal, watched: `fenced` fails at the first sign of a fence. */
export const layer = (
  fenced: Deferred.Deferred<never, StoreFenced>
): Layer.Layer<Journal.Journal, never, Journal.Journal> =>
  Layer.scoped(
    Journal.Journal,
    Effect.gen(function* () {
      const log = yield* RareLog.make
      const journal = watch(
        yield* Journal.Journal,
        (sign) => Deferred.unsafeDone(fenced, Effect.fail(sign)),
        ({ cause, reason }) => log(damaged, { reason }, cause)
      )
      const look = Effect.ignore(Effect.suspend(() => journal.load(nobody)))
      yield* Effect.forkScoped(Effect.forever(Effect.delay(look, everyMillis)))
      return journal
    })
  )
