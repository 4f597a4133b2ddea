/**
 * CallNotes: the record of each call of the service and of its answer. Pure, and the same for both APIs (Effect and
 * Promise).
 */
import type * as CheckoutError from "@onelane/checkout/CheckoutError"
import type * as CheckoutSession from "@onelane/checkout/CheckoutSession"
import type * as CheckoutSessions from "@onelane/checkout/CheckoutSessions"
import type { Answer, Call, Observation } from "./History.js"
import { textOf } from "./SessionData.js"

/** The caller: a process, on behalf of a user. */
export interface Asking {
  readonly process: number
  readonly userId: string
  /** Whether `SessionInaccessible` proves to this user that there is no such session. */
  readonly seesAll: boolean
}

/** The recorded calls, by their names in the service. */
export type Noted = "open" | "update" | "get" | "cancel" | "completeTask" | "failTask" | "releaseClaim" | "move"

/** How one call and its answer are recorded. */
export interface CallNote<I, A> {
  readonly call: (who: Asking, input: I) => Call
  readonly answer: (value: A) => Answer
}

// Any input is converted to a valid value of the record: the service may refuse a malformed input, but the record must
// stay readable.
const text = (given: unknown): string | undefined => (given == null ? undefined : String(given))
const whole = (given: unknown): number | undefined =>
  Number.isSafeInteger(given) && (given as number) >= 0 ? (given as number) : undefined
const copied = (data: unknown): unknown => {
  try {
    return data === undefined ? undefined : JSON.parse(JSON.stringify(data))
  } catch {
    return undefined
  }
}

// Makes keys of different actions or callers distinct.
const keyOf = (
  action: Call["action"],
  { userId }: Asking,
  { idempotencyKey }: { readonly idempotencyKey?: string | undefined }
): string | undefined => (idempotencyKey === undefined ? undefined : `${action} ${userId} ${idempotencyKey}`)

/** The id of the session is unknown before the answer; a call that found none is recorded under its cart. */
const nameless = (input: { readonly cartId?: string | undefined }): string => `cart ${input.cartId}`

const on = ({ process }: Asking, input: CheckoutSessions.SessionInput, action: Call["action"]): Call => ({
  process,
  session: String(input.checkoutSessionId),
  action
})

// A result is its own idempotency key.
const result = (
  who: Asking,
  input: CheckoutSessions.SessionInput & { readonly operationId: string },
  action: Call["action"],
  said: string
): Call => ({ ...on(who, input, action), key: `${action} ${input.operationId} ${said}` })

const observe = (session: CheckoutSession.CheckoutSession | CheckoutSession.CurrentSession): Observation => ({
  version: session.version,
  state: session.state,
  next: session.nextState,
  archived: session.isArchived,
  requestId: session.lastRequestId,
  ...("data" in session && { data: session.data === null ? null : textOf(session.data) })
})

const done = (session: CheckoutSession.CheckoutSession): Answer => ({ outcome: "ok", observed: observe(session) })

// A call that waited returns the session as it arrived, which may be some versions after its own change.
const accepted = (session: CheckoutSession.CheckoutSession, arrived: boolean | undefined): Answer =>
  arrived === true ? { outcome: "ok" } : done(session)

const changed = ({ arrived, replayed, session }: CheckoutSessions.Changed): Answer => ({
  ...accepted(session, arrived),
  replayed
})

// A cancel that found no session changed nothing.
const nothingDone: Answer = { outcome: "ok", action: "read" }

/** Opens a session. */
export const open: CallNote<CheckoutSessions.OpenInput, CheckoutSessions.Opened> = {
  call: (who, input) => ({
    process: who.process,
    session: text(input.checkoutSessionId) ?? nameless(input),
    action: "open",
    next: text(input.initialState),
    patch: copied(input.data),
    key: keyOf("open", who, input)
  }),
  answer: ({ arrived, created, replayed, session }) => ({
    ...accepted(session, arrived),
    session: session.id,
    replayed,
    ...(created ? {} : { action: "read" })
  })
}

/** Moves a session to its next state. */
export const update: CallNote<CheckoutSessions.UpdateInput, CheckoutSessions.Updated> = {
  call: (who, input) => ({
    ...on(who, input, "update"),
    expected: text(input.expCurrentState),
    next: text(input.nextState),
    expectedVersion: whole(input.expectedVersion),
    patch: copied(input.data),
    key: keyOf("update", who, input)
  }),
  answer: ({ arrived, replayed, requestId, session }) => ({ ...accepted(session, arrived), requestId, replayed })
}

/** Reads a session. */
export const get: CallNote<CheckoutSessions.SessionInput, CheckoutSession.CheckoutSession> = {
  call: (who, input) => on(who, input, "read"),
  answer: done
}

/** Archives a session. */
export const cancel: CallNote<CheckoutSessions.CancelInput, CheckoutSessions.Cancelled> = {
  call: (who, input) => ({
    process: who.process,
    session: text(input.checkoutSessionId) ?? nameless(input),
    action: "cancel",
    expectedVersion: whole(input.expectedVersion),
    key: keyOf("cancel", who, input)
  }),
  answer: ({ replayed, requestId, session }) =>
    session === null ? nothingDone : { ...done(session), replayed, requestId, session: session.id }
}

/** Reports a success. */
export const completeTask: CallNote<CheckoutSessions.CompleteTaskInput, CheckoutSessions.Changed> = {
  call: (who, input) => {
    const patch = copied(input.data)
    // A result with other data is a different result.
    const data = patch === undefined ? "" : ` ${textOf(patch)}`
    return {
      ...result(who, input, "completeTask", `${input.orderId ?? ""} ${input.next ?? ""}${data}`),
      next: text(input.next),
      patch
    }
  },
  answer: changed
}

/** Reports a failure. */
export const failTask: CallNote<CheckoutSessions.FailTaskInput, CheckoutSessions.Changed> = {
  call: (who, input) => result(who, input, "failTask", input.code),
  answer: changed
}

/** Releases a claim. */
export const releaseClaim: CallNote<CheckoutSessions.ReleaseClaimInput, CheckoutSessions.Changed> = {
  call: (who, input) => ({ ...on(who, input, "releaseClaim"), key: keyOf("releaseClaim", who, input) }),
  answer: changed
}

/** Moves a stranded session. */
export const move: CallNote<CheckoutSessions.MoveInput, CheckoutSessions.Changed> = {
  call: (who, input) => ({
    ...on(who, input, "move"),
    next: text(input.state),
    expectedVersion: whole(input.expectedVersion),
    key: keyOf("move", who, input)
  }),
  answer: changed
}

/** The record of a call that never got an answer. */
export const nobodyKnows: Answer = { outcome: "info" }

type Told = CheckoutError.CheckoutError | { readonly _tag: "Aborted" | "Closed"; readonly applied: "no" | "unknown" }

/** The record of an error. A refusal after the check of rights shows the session. */
export const refusal = (error: Told, { seesAll }: Asking, call: Call): Answer => {
  if (error.applied === "unknown") return { ...nobodyKnows, error: error._tag }
  const late = error._tag === "OperationNotCurrent" && error.recorded
  const observed =
    "current" in error && error.current !== null
      ? observe(error.current)
      : error._tag === "SessionInaccessible" && seesAll && call.action !== "open"
        ? { version: 0, state: null }
        : undefined
  return { outcome: "fail", error: error._tag, observed, ...(late && { late }) }
}
