/**
 * Recorder: puts itself between a caller and any `CheckoutSessions` (embedded, remote, cluster) and writes down what was
 * asked and told. What passes through is not changed, interruption included.
 *
 * Owns the reading of answers as observations. Does not own the judgement (Linearizable). `changes` and `history` pass
 * unrecorded: they tell of the past, not of now.
 */
import type { Caller, CheckoutError, CheckoutSession, CheckoutSessions } from "@onelane/checkout"
import { Effect, Exit } from "effect"
import type { Answer, Call, History, Observation } from "./History.js"
import * as HistoryWriter from "./History.js"

/** A recording. */
export interface Recorder {
  /** The service as one process calls it; a process has one call at a time. */
  readonly client: (process: number, service: Service) => Service
  /** Everything recorded so far; what is still under way is doubtful. */
  readonly history: () => History
}

type Service = CheckoutSessions.CheckoutSessionsShape
type Failed = CheckoutError.CheckoutError

/**
 * Starts a recording. Instants are places in the order of events, which is exact within one program; recordings that
 * are to be judged together need one clock for all, monotonic and fine.
 */
export const make = (instant?: () => number): Recorder => {
  const writer = HistoryWriter.make(instant)
  const noted = <A, E extends Failed>(
    call: Call,
    running: Effect.Effect<A, E>,
    told: (answer: A) => Answer,
    caller: Caller.Caller
  ): Effect.Effect<A, E> =>
    Effect.suspend(() => {
      const done = writer.invoke(call)
      return Effect.onExit(running, (exit) => Effect.sync(() => done(answerOf(exit, told, sees(caller, call)))))
    })
  const ofChange = (changed: CheckoutSessions.Changed): Answer => done(changed.session)
  return {
    client: (process, service) => ({
      ...service,
      open: (caller, input) =>
        noted(
          { process, session: input.checkoutSessionId ?? nameless(input), action: "open", next: input.initialState },
          service.open(caller, input),
          ({ created, session }) => ({ ...done(session), session: session.id, ...(created ? {} : { action: "read" }) }),
          caller
        ),
      update: (caller, input) =>
        noted(
          {
            process,
            session: input.checkoutSessionId,
            action: "update",
            expected: input.expCurrentState,
            next: input.nextState,
            expectedVersion: input.expectedVersion,
            key: input.idempotencyKey === undefined ? undefined : `${caller.userId} ${input.idempotencyKey}`
          },
          service.update(caller, input),
          ({ requestId, replayed, session }) => ({ ...done(session), requestId, replayed }),
          caller
        ),
      get: (caller, input) =>
        noted({ process, session: input.checkoutSessionId, action: "read" }, service.get(caller, input), done, caller),
      cancel: (caller, input) =>
        noted(
          {
            process,
            session: input.checkoutSessionId ?? nameless(input),
            action: "cancel",
            expectedVersion: input.expectedVersion
          },
          service.cancel(caller, input),
          ({ requestId, session }) => ({ ...done(session), requestId, session: session.id }),
          caller
        ),
      completeTask: (caller, input) =>
        noted(
          { process, session: input.checkoutSessionId, action: "completeTask" },
          service.completeTask(caller, input),
          ofChange,
          caller
        ),
      failTask: (caller, input) =>
        noted(
          { process, session: input.checkoutSessionId, action: "failTask" },
          service.failTask(caller, input),
          ofChange,
          caller
        ),
      releaseClaim: (caller, input) =>
        noted(
          { process, session: input.checkoutSessionId, action: "releaseClaim" },
          service.releaseClaim(caller, input),
          ofChange,
          caller
        )
    }),
    history: writer.operations
  }
}

/** A session is not known by name before it is found; a call that never found one is recorded under its cart. */
const nameless = (input: { readonly cartId?: string | undefined }): string => `cart ${input.cartId}`

const done = (session: CheckoutSession.CheckoutSession): Answer => ({ outcome: "ok", observed: observe(session) })

const observe = (session: CheckoutSession.CheckoutSession | CheckoutSession.CurrentSession): Observation => ({
  version: session.version,
  state: session.state,
  next: session.nextState,
  archived: session.isArchived,
  requestId: session.lastRequestId
})

const nobodyKnows: Answer = { outcome: "info" }

/** Whether "inaccessible" means that there is no such session: to a caller who may see all, asking for that session. */
const sees = (caller: Caller.Caller, call: Call): boolean =>
  call.action !== "open" && (caller.roles.includes("modify-all-data") || caller.roles.includes("commerce-integrator"))

const answerOf = <A, E extends Failed>(
  exit: Exit.Exit<A, E>,
  told: (answer: A) => Answer,
  seesAll: boolean
): Answer => {
  if (Exit.isSuccess(exit)) return told(exit.value)
  if (exit.cause._tag !== "Fail") return nobodyKnows
  const error: Failed = exit.cause.error
  if (error.applied === "unknown") return { ...nobodyKnows, error: error._tag }
  return { outcome: "fail", error: error._tag, observed: seenIn(error, seesAll) }
}

/** From step 9 on a refusal shows the session. */
const seenIn = (error: Failed, seesAll: boolean): Observation | undefined => {
  if ("current" in error && error.current !== null) return observe(error.current)
  return error._tag === "SessionInaccessible" && seesAll ? { version: 0, state: null } : undefined
}
