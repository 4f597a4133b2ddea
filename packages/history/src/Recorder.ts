/**
 * Recorder: wraps an API of the service and records calls and answers: the Effect service (`client`) or the Promise API
 * (`checkout`), embedded, remote or in a cluster. Calls, answers and interruption are passed through unchanged.
 *
 * Owns the recording. Does not own the record of a call (CallNotes) or the check (Linearizable). `changes`, `history`
 * and waits of `get` are not recorded: they show the past, not the present.
 */

import * as Arrival from "@onelane/checkout/Arrival"
import type * as Caller from "@onelane/checkout/Caller"
import type * as CheckoutError from "@onelane/checkout/CheckoutError"
import type * as CheckoutSessions from "@onelane/checkout/CheckoutSessions"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { Asking, CallNote } from "./CallNotes.js"
import * as CallNotes from "./CallNotes.js"
import type { Answer, Call, History } from "./History.js"
import * as HistoryWriter from "./History.js"
import * as PromiseRecorder from "./PromiseRecorder.js"

/** A recording. */
export interface Recorder {
  /** The Effect service as one process calls it; a process has one call at a time. */
  readonly client: (process: number, service: Service) => Service
  /**
   * The Promise API as one process calls it: an object of `open`, `connect` or `as`. `caller` is the user it calls for;
   * its id keeps idempotency keys of different users apart. Default: the host, which sees everything.
   */
  readonly checkout: <C extends object>(process: number, checkout: C, caller?: Caller.Caller) => C
  /** Everything recorded so far; unfinished calls are doubtful. */
  readonly history: () => History
}

type Service = CheckoutSessions.CheckoutSessionsShape
type Failed = CheckoutError.CheckoutError

/**
 * Starts a recording. By default, instants are positions in the order of events, which is exact within one program.
 * Recordings that are checked together need one shared clock, monotonic and of high resolution.
 */
export const make = (instant?: () => number): Recorder => {
  const writer = HistoryWriter.make(instant)
  return {
    client: (process, service) => {
      const recorded = recordCalls(writer, process, service)
      const get: Service["get"] = (caller, input, wait) =>
        wait === undefined ? recorded.get(caller, input) : service.get(caller, input, wait)
      return { ...service, ...recorded, get, ...Arrival.apart(recorded, get) }
    },
    checkout: (process, checkout, caller) => PromiseRecorder.record(writer, process, checkout, caller),
    history: writer.operations
  }
}

const recordCalls = (
  writer: HistoryWriter.Writer,
  process: number,
  service: Service
): Pick<Service, CallNotes.Noted> => {
  const noting =
    <I, W, A, E extends Failed>(
      note: CallNote<I, A>,
      method: (caller: Caller.Caller, input: I, wait?: W) => Effect.Effect<A, E>
    ) =>
    (caller: Caller.Caller, input: I, wait?: W): Effect.Effect<A, E> => {
      const who = askingFor(process, caller)
      return noted(writer, who, note.call(who, input), method(caller, input, wait), note.answer)
    }
  return {
    open: noting(CallNotes.open, service.open),
    update: noting(CallNotes.update, service.update),
    get: noting(CallNotes.get, service.get),
    cancel: noting(CallNotes.cancel, service.cancel),
    completeTask: noting(CallNotes.completeTask, service.completeTask),
    failTask: noting(CallNotes.failTask, service.failTask),
    releaseClaim: noting(CallNotes.releaseClaim, service.releaseClaim),
    move: noting(CallNotes.move, service.move)
  }
}

const askingFor = (process: number, caller: Caller.Caller): Asking => ({
  process,
  userId: caller.userId,
  seesAll: caller.roles.includes("modify-all-data") || caller.roles.includes("commerce-integrator")
})

/** Runs a call and records how it ends. */
const noted = <A, E extends Failed>(
  writer: HistoryWriter.Writer,
  who: Asking,
  call: Call,
  running: Effect.Effect<A, E>,
  told: (answer: A) => Answer
): Effect.Effect<A, E> =>
  Effect.suspend(() => {
    const answered = writer.invoke(call)
    return Effect.onExit(running, (exit) =>
      Effect.sync(() => {
        if (Exit.isSuccess(exit)) answered(told(exit.value))
        else
          answered(exit.cause._tag === "Fail" ? CallNotes.refusal(exit.cause.error, who, call) : CallNotes.nobodyKnows)
      })
    )
  })
