/**
 * Recorder: puts itself between a caller and any `CheckoutSessions` (embedded, remote, cluster) and writes down what was
 * asked and told. What passes through is not changed, interruption included.
 *
 * Owns the reading of answers as observations. Does not own the judgement (Linearizable). `changes`, `history` and waits pass
 * unrecorded: they tell of the past, not of now.
 */

import * as Arrival from "@onelane/checkout/Arrival"
import type * as Caller from "@onelane/checkout/Caller"
import type * as CheckoutError from "@onelane/checkout/CheckoutError"
import type * as CheckoutSession from "@onelane/checkout/CheckoutSession"
import type * as CheckoutSessions from "@onelane/checkout/CheckoutSessions"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { Answer, Call, History, Observation } from "./History.js"
import * as HistoryWriter from "./History.js"
import { textOf } from "./SessionData.js"

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
  return {
    client: (process, service) => {
      const recorded = { ...recordCommands(writer, process, service), ...recordOperations(writer, process, service) }
      const get: Service["get"] = (caller, input, wait) =>
        wait === undefined ? recorded.get(caller, input) : service.get(caller, input, wait)
      return { ...service, ...recorded, get, ...Arrival.apart(recorded, get) }
    },
    history: writer.operations
  }
}

const recordCommands = (
  writer: HistoryWriter.Writer,
  process: number,
  service: Service
): Pick<Service, "open" | "update" | "get" | "cancel"> => ({
  open: (caller, input, wait) =>
    noted(
      writer,
      caller,
      {
        process,
        session: input.checkoutSessionId ?? nameless(input),
        action: "open",
        next: input.initialState,
        patch: input.data,
        key: keyOf("open", caller, input)
      },
      service.open(caller, input, wait),
      ({ arrived, created, replayed, session }) => ({
        ...accepted(session, arrived),
        session: session.id,
        replayed,
        ...(created ? {} : { action: "read" })
      })
    ),
  update: (caller, input, wait) =>
    noted(
      writer,
      caller,
      {
        process,
        session: input.checkoutSessionId,
        action: "update",
        expected: input.expCurrentState,
        next: input.nextState,
        expectedVersion: input.expectedVersion,
        patch: input.data,
        key: keyOf("update", caller, input)
      },
      service.update(caller, input, wait),
      ({ arrived, requestId, replayed, session }) => ({ ...accepted(session, arrived), requestId, replayed })
    ),
  get: (caller, input, wait) => {
    const call = { process, session: input.checkoutSessionId, action: "read" } as const
    return noted(writer, caller, call, service.get(caller, input, wait), done)
  },
  cancel: (caller, input) => {
    const session = input.checkoutSessionId ?? nameless(input)
    const { expectedVersion } = input
    const call = { process, session, action: "cancel", expectedVersion, key: keyOf("cancel", caller, input) } as const
    return noted(writer, caller, call, service.cancel(caller, input), (cancelled) =>
      cancelled.session === null
        ? nothingDone
        : { ...done(cancelled.session), ...repetition(cancelled), session: cancelled.session.id }
    )
  }
})

const repetition = ({ replayed, requestId }: CheckoutSessions.Cancelled): Partial<Answer> => ({ replayed, requestId })

// Keys of two actions, or of two callers, do not meet.
const keyOf = (
  action: Call["action"],
  caller: Caller.Caller,
  { idempotencyKey }: { readonly idempotencyKey?: string | undefined }
): string | undefined => (idempotencyKey === undefined ? undefined : `${action} ${caller.userId} ${idempotencyKey}`)

interface Named extends CheckoutSessions.SessionInput {
  readonly operationId: string
}

const recordOperations = (
  writer: HistoryWriter.Writer,
  process: number,
  service: Service
): Pick<Service, "completeTask" | "failTask" | "releaseClaim" | "move"> => {
  const called = (input: CheckoutSessions.SessionInput, action: Call["action"]): Call => ({
    process,
    session: input.checkoutSessionId,
    action
  })
  // A result is its own idempotency key.
  const result = (input: Named, action: Call["action"], said = ""): Call => ({
    ...called(input, action),
    key: `${action} ${input.operationId} ${said}`
  })
  const changed = ({ arrived, replayed, session }: CheckoutSessions.Changed): Answer => ({
    ...accepted(session, arrived),
    replayed
  })
  return {
    completeTask: (caller, input, wait) =>
      noted(
        writer,
        caller,
        {
          ...result(input, "completeTask", `${input.orderId ?? ""} ${input.next ?? ""}`),
          next: input.next,
          patch: input.data
        },
        service.completeTask(caller, input, wait),
        changed
      ),
    failTask: (caller, input) =>
      noted(writer, caller, result(input, "failTask", input.code), service.failTask(caller, input), changed),
    releaseClaim: (caller, input) =>
      noted(
        writer,
        caller,
        { ...called(input, "releaseClaim"), key: keyOf("releaseClaim", caller, input) },
        service.releaseClaim(caller, input),
        changed
      ),
    move: (caller, input) => {
      const { expectedVersion, state: next } = input
      const call = { ...called(input, "move"), next, expectedVersion, key: keyOf("move", caller, input) }
      return noted(writer, caller, call, service.move(caller, input), changed)
    }
  }
}

/** Runs a call and notes its end, whatever it is. */
const noted = <A, E extends Failed>(
  writer: HistoryWriter.Writer,
  caller: Caller.Caller,
  call: Call,
  running: Effect.Effect<A, E>,
  told: (answer: A) => Answer
): Effect.Effect<A, E> =>
  Effect.suspend(() => {
    const answered = writer.invoke(call)
    return Effect.onExit(running, (exit) => Effect.sync(() => answered(answerOf(exit, told, sees(caller, call)))))
  })

/** A session is not known by name before it is found; a call that never found one is recorded under its cart. */
const nameless = (input: { readonly cartId?: string | undefined }): string => `cart ${input.cartId}`

const done = (session: CheckoutSession.CheckoutSession): Answer => ({ outcome: "ok", observed: observe(session) })

// A call that waited shows the session as it arrived, perhaps some versions after its own.
const accepted = (session: CheckoutSession.CheckoutSession, arrived: boolean | undefined): Answer =>
  arrived === true ? { outcome: "ok" } : done(session)

const observe = (session: CheckoutSession.CheckoutSession | CheckoutSession.CurrentSession): Observation => ({
  version: session.version,
  state: session.state,
  next: session.nextState,
  archived: session.isArchived,
  requestId: session.lastRequestId,
  ...("data" in session && { data: session.data === null ? null : textOf(session.data) })
})

// A cancel that found nothing changed nothing.
const nothingDone: Answer = { outcome: "ok", action: "read" }

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
  const late = error._tag === "OperationNotCurrent" && error.recorded
  return { outcome: "fail", error: error._tag, observed: seenIn(error, seesAll), ...(late && { late }) }
}

/** From step 9 on a refusal shows the session. */
const seenIn = (error: Failed, seesAll: boolean): Observation | undefined => {
  if ("current" in error && error.current !== null) return observe(error.current)
  return error._tag === "SessionInaccessible" && seesAll ? { version: 0, state: null } : undefined
}
