/**
 * Network: the simulated network between the callers and the process. Calls and answers are delayed or lost. A process
 * that is down is unreachable; if it dies during a call, the outcome is unknown to the caller.
 */
import { type CheckoutError, type CheckoutSessions, Refusal } from "@onelane/checkout"
import { EngineError } from "@onelane/engine"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { Seeded } from "../machine/Seeded.js"

/** A running process, as the network reaches it. */
export interface Served {
  readonly calls: CheckoutSessions.SessionCalls
  /** Completed when the process died. */
  readonly died: Deferred.Deferred<void>
}

/** The network of a run. */
export interface Network {
  /** The process that serves now; null: it is down. */
  readonly served: () => Served | null
  readonly seeded: Seeded
  /** Longest latency in one direction, milliseconds. */
  readonly latencyMillis: number
  /** Loss rate of calls and of answers, 0..1; 0 once the faults are over. */
  readonly lost: () => number
}

const address = { kind: "session", id: "" }

const failed = (reason: string, applied: "no" | "unknown") =>
  Exit.fail(Refusal.fromEngine(EngineError.journalUnavailable(address, reason, applied)))

/** The process is down, so nothing was done. */
const unreachable = failed("UNREACHABLE", "no")
/** The outcome is unknown. */
const silent = failed("TIMEOUT", "unknown")

/** How long a caller waits for an answer that was lost, milliseconds. */
const timeoutMillis = 2_000

/** The service as callers reach it, over the network. */
export const make = (network: Network): CheckoutSessions.SessionCalls => {
  const { latencyMillis, lost, seeded, served } = network
  const way = Effect.suspend(() => Effect.sleep(seeded.between(0, latencyMillis)))
  const through =
    <Given extends ReadonlyArray<unknown>, A, E>(
      method: (calls: CheckoutSessions.SessionCalls) => (...given: Given) => Effect.Effect<A, E>
    ) =>
    (...given: Given): Effect.Effect<A, E> => {
      const answered = Effect.gen(function* () {
        yield* way
        const isLost = seeded.chance(lost())
        const process = served()
        if (process === null) return yield* unreachable
        if (isLost) return yield* Effect.delay(silent, timeoutMillis)
        const call = method(process.calls)(...given)
        const dead = Effect.zipRight(Deferred.await(process.died), silent)
        const exit = yield* Effect.exit(Effect.raceFirst(Effect.disconnect(call), dead))
        if (seeded.chance(lost())) return yield* Effect.delay(silent, timeoutMillis)
        yield* way
        return yield* exit
      })
      return answered as Effect.Effect<A, E | CheckoutError.StorageUnavailable> as Effect.Effect<A, E>
    }
  return {
    open: through((calls) => calls.open),
    update: through((calls) => calls.update),
    get: through((calls) => calls.get),
    find: through((calls) => calls.find),
    cancel: through((calls) => calls.cancel),
    history: through((calls) => calls.history),
    completeTask: through((calls) => calls.completeTask),
    failTask: through((calls) => calls.failTask),
    releaseClaim: through((calls) => calls.releaseClaim),
    move: through((calls) => calls.move),
    sessions: through((calls) => calls.sessions),
    claims: through((calls) => calls.claims),
    follow: (caller, input) => Effect.suspend(() => served()?.calls.follow(caller, input) ?? unreachable)
  }
}
