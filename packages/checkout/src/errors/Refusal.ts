/**
 * Refusal: creates the errors of CheckoutError, each in one place, with its message and whether a retry can help. Plain
 * objects without a stack. Errors without a session are created once, frozen, and shared by all callers.
 */
import type { EngineError } from "@onelane/engine"
import type { PortUnavailable } from "../ports/Access.js"
import type { CartStatus } from "../ports/Carts.js"
import { type CheckoutSession, type ClosedBy, currentOf } from "../session/CheckoutSession.js"
import { depthMax, type JsonFault } from "../session/Json.js"
import type * as E from "./CheckoutError.js"

const no = { retryable: false, applied: "no" } as const
const again = { retryable: true, applied: "no" } as const

/**
 * One sentence per error: its title on the wire, and its message unless its reason has its own.
 */
export const sentences: { readonly [Tag in E.CheckoutError["_tag"]]: string } = {
  NotAuthenticated: "The server did not take the token.",
  ActionNotPermitted: "The caller may not invoke this action.",
  InvalidInput: "An input is missing or not valid.",
  InvalidCheckoutSessionId: "The checkout session ID is not valid.",
  InvalidState: "A state is not one that may be asked for.",
  SessionInaccessible: "The session does not exist, or the caller may not access it.",
  AccountInaccessible: "The effective account of the cart is not valid or not accessible.",
  NotStoreMember: "The buyer account is not a member of the store.",
  IdempotencyConflict: "This idempotency key was used for another input.",
  SessionClosed: "The session is closed.",
  CartNotUpdatable: "The status of the cart does not allow this.",
  StateRetired: "The flow no longer has the state of the session.",
  ExpectedStateMismatch: "The session is not as expected.",
  SessionProcessing: "A task of the current state is running.",
  TransitionNotAllowed: "The flow has no transition from the current state to the next state.",
  InvalidData: "The data does not fit the flow.",
  OperationNotCurrent: "This operation is not the running one.",
  VersionAhead: "The session has not reached this version.",
  Overloaded: "Too many requests are waiting.",
  StorageUnavailable: "The store gave no answer."
}

/** `retryAfterMillis` of an overloaded or unavailable service. */
const retryAfterMillis = 1_000

/** Step 0: a server refused the token, with this sentence. */
export const tokenRefused = (message: string = sentences.NotAuthenticated): E.NotAuthenticated => ({
  _tag: "NotAuthenticated",
  message,
  reason: "TOKEN_REFUSED",
  ...no
})

/** Step 0: no token is available to send. */
export const tokenUnavailable = (message: string): E.NotAuthenticated => ({
  _tag: "NotAuthenticated",
  message,
  reason: "TOKEN_UNAVAILABLE",
  ...again
})

/** Step 1. */
export const actionNotPermitted: E.ActionNotPermitted = Object.freeze({
  _tag: "ActionNotPermitted",
  message: sentences.ActionNotPermitted,
  reason: "ACTION_NOT_PERMITTED",
  ...no
})

/** Step 2: these inputs are missing. */
export const requiredFieldMissing = (fields: ReadonlyArray<string>): E.InvalidInput => ({
  _tag: "InvalidInput",
  message: `Required input missing: ${fields.join(", ")}.`,
  reason: "REQUIRED_FIELD_MISSING",
  fields,
  ...no
})

/** Step 2: these inputs are wrong. */
export const invalidInput = (fields: ReadonlyArray<string>, message: string): E.InvalidInput => ({
  _tag: "InvalidInput",
  message,
  reason: "INVALID_INPUT",
  fields,
  ...no
})

/** Step 3. */
export const invalidCheckoutSessionId: E.InvalidCheckoutSessionId = Object.freeze({
  _tag: "InvalidCheckoutSessionId",
  message: sentences.InvalidCheckoutSessionId,
  reason: "INVALID_CHECKOUT_SESSION_ID",
  ...no
})

/** Step 4: these inputs name a state that cannot be requested. */
export const invalidState = (fields: ReadonlyArray<string>, message: string): E.InvalidState => ({
  _tag: "InvalidState",
  message,
  reason: "INVALID_STATE",
  fields,
  ...no
})

/** States that a refusal names at most. */
export const namedStates = 32

const named = (states: Iterable<string>): string => {
  const all = [...states]
  const more = all.length > namedStates ? ` and ${all.length - namedStates} more` : ""
  return `${all.slice(0, namedStates).join(", ")}${more}`
}

/** Step 4: these inputs name no state of `states`, the allowed ones. */
export const unknownState = (fields: ReadonlyArray<string>, states: Iterable<string>): E.InvalidState =>
  invalidState(fields, `${fields.join(", ")} must be one of: ${named(states)}.`)

/** Step 4: the next state is the current one, and no version is given. `following`: the states that may follow it. */
export const sameState = (state: string, following: Iterable<string>): E.InvalidState => {
  const others = [...following].filter((each) => each !== state)
  const allowed = others.length === 0 ? `nothing follows ${state}` : `nextState must be one of: ${named(others)}`
  return invalidState(["nextState"], `Both states are ${state}: ${allowed}. To stay in ${state}, give expectedVersion.`)
}

/** Step 5: one object for "missing" and "forbidden", so that they cannot be told apart. */
export const sessionInaccessible: E.SessionInaccessible = Object.freeze({
  _tag: "SessionInaccessible",
  message: sentences.SessionInaccessible,
  reason: "SESSION_INACCESSIBLE",
  ...no
})

/** Step 6. */
export const accountInaccessible: E.AccountInaccessible = Object.freeze({
  _tag: "AccountInaccessible",
  message: sentences.AccountInaccessible,
  reason: "ACCOUNT_INVALID_OR_INACCESSIBLE",
  ...no
})

/** Step 7. */
export const notStoreMember: E.NotStoreMember = Object.freeze({
  _tag: "NotStoreMember",
  message: sentences.NotStoreMember,
  reason: "NOT_A_STORE_MEMBER",
  ...no
})

/** Step 8: the key belongs to this accepted request. */
export const idempotencyConflict = (requestId: string): E.IdempotencyConflict => ({
  _tag: "IdempotencyConflict",
  message: sentences.IdempotencyConflict,
  reason: "IDEMPOTENCY_KEY_REUSED",
  requestId,
  ...no
})

const closedMessages = {
  COMPLETED: "The session is completed.",
  CANCELLED: "The session was cancelled.",
  EXPIRED: "The session has expired."
} as const satisfies { readonly [Reason in ClosedBy]: string }

/** Step 9. */
export const sessionClosed = (session: CheckoutSession, reason: ClosedBy): E.SessionClosed => ({
  _tag: "SessionClosed",
  message: closedMessages[reason],
  reason,
  checkoutSessionId: session.id,
  orderId: session.orderId,
  current: currentOf(session),
  ...no
})

/** Step 9, for a cart whose completed session was pruned. */
export const cartCompleted = ({
  checkoutSessionId,
  orderId
}: Pick<E.SessionClosed, "checkoutSessionId" | "orderId">): E.SessionClosed => ({
  _tag: "SessionClosed",
  message: closedMessages.COMPLETED,
  reason: "COMPLETED",
  checkoutSessionId,
  orderId,
  current: null,
  ...no
})

/** Step 10. `status` is null for a cart that is gone, `session` for one that does not exist yet. */
export const cartNotUpdatable = (status: CartStatus | null, session: CheckoutSession | null): E.CartNotUpdatable => ({
  _tag: "CartNotUpdatable",
  message: sentences.CartNotUpdatable,
  reason: "CART_NOT_UPDATABLE",
  cartStatus: status ?? "Missing",
  current: session === null ? null : currentOf(session),
  ...no
})

/** Step 10a: the flow does not have the session's state and does not map it (`migrate`). */
export const stateRetired = (session: CheckoutSession): E.StateRetired => ({
  _tag: "StateRetired",
  message: `${sentences.StateRetired} Cancel it, or let an operator move it to a state of the flow.`,
  reason: "STATE_RETIRED",
  current: currentOf(session),
  ...no
})

/**
 * Step 11: another state. Of 64 concurrent callers 63 get it, so it is a literal with every field: a spread costs more
 * than the rest.
 */
export const stateMismatch = (session: CheckoutSession): E.ExpectedStateMismatch => ({
  _tag: "ExpectedStateMismatch",
  message: "The current state of the session does not match the expected state.",
  reason: "STATE_MISMATCH",
  current: currentOf(session),
  retryable: false,
  applied: "no"
})

/** Step 11: another version. */
export const versionMismatch = (session: CheckoutSession): E.ExpectedStateMismatch => ({
  ...stateMismatch(session),
  message: "The version of the session does not match the expected version.",
  reason: "VERSION_MISMATCH"
})

/** Step 12: a task runs; retry after `waitMillis`. */
export const sessionProcessing = (session: CheckoutSession, waitMillis: number): E.SessionProcessing => ({
  _tag: "SessionProcessing",
  message: sentences.SessionProcessing,
  reason: "ALREADY_IN_PROCESS",
  retryAfterMillis: waitMillis,
  current: currentOf(session),
  ...again
})

/** Step 13. */
export const transitionNotAllowed = (
  session: CheckoutSession,
  allowed: ReadonlyArray<string>
): E.TransitionNotAllowed => ({
  _tag: "TransitionNotAllowed",
  message: sentences.TransitionNotAllowed,
  reason: "TRANSITION_NOT_ALLOWED",
  allowed,
  current: currentOf(session),
  ...no
})

const dataMessages = {
  DATA_MISMATCH: "The flow's schema does not accept the data.",
  DATA_TOO_LARGE: "The data is larger than this service allows.",
  DATA_TOO_DEEP: `The data is deeper than ${depthMax} levels.`,
  SCHEMA_FAILED: "The flow's schema could not check the data."
} as const satisfies { readonly [Reason in E.InvalidData["reason"]]: string }

/** The sentence for refused data, with its paths. */
export const dataSentence = ({ paths, reason }: Pick<E.InvalidData, "paths" | "reason">): string => {
  const named = paths.filter((path) => path !== "")
  return named.length === 0 ? dataMessages[reason] : `${dataMessages[reason].slice(0, -1)}: ${named.join(", ")}.`
}

/** Step 13a: the data after the patch is refused; null for a session that was not opened. */
export const invalidData = (
  { paths, reason }: Pick<E.InvalidData, "paths" | "reason">,
  session: CheckoutSession | null
): E.InvalidData => ({
  _tag: "InvalidData",
  message: dataSentence({ paths, reason }),
  reason,
  paths: [...paths],
  current: session === null ? null : currentOf(session),
  ...no
})

/** Text after "must be" for a merge patch. */
export const patchIs =
  "a JSON object of plain values (no undefined, dates, class instances, getters or lone surrogates, no name __proto__)"

/** Refuses an invalid merge patch where there is no session. */
export const patchRefused = (fault: JsonFault): E.InvalidInput | E.InvalidData => {
  if (fault.kind === "NO_JSON") return invalidInput(["data"], `${patchSentence(fault)}.`)
  return invalidData({ reason: fault.kind === "TOO_LARGE" ? "DATA_TOO_LARGE" : "DATA_TOO_DEEP", paths: [] }, null)
}

/** Describes the fault of a merge patch that is no JSON, as a sentence without a full stop. */
export const patchSentence = ({ found, path }: JsonFault): string =>
  path === "" ? `data must be ${patchIs}` : `data must be ${patchIs}; ${path} is ${found}`

/** Reasons why an operation is not the running one. */
export type OperationReason = E.OperationNotCurrent["reason"]

const overMessages = {
  OPERATION_LATE: "This operation has ended: by its deadline, a failure, or another result.",
  OPERATION_CANCELLED: "The session was cancelled while this operation ran.",
  OPERATION_RELEASED: "An operator released the claim of this operation.",
  OPERATION_EXPIRED: "This operation has ended, and its session has expired.",
  OPERATION_UNKNOWN: "This session never ran this operation."
} as const satisfies { readonly [Reason in OperationReason]: string }

/** Refuses a task result or release whose operation is not running. `recorded`: the order of a late success is kept. */
export const operationNotCurrent = (
  session: CheckoutSession,
  reason: OperationReason,
  recorded: boolean
): E.OperationNotCurrent => ({
  _tag: "OperationNotCurrent",
  message: overMessages[reason],
  reason,
  recorded,
  current: currentOf(session),
  ...no
})

/** Steps 5-7 passed, and the version asked for is above the session's. */
export const versionAhead = (session: CheckoutSession): E.VersionAhead => ({
  _tag: "VersionAhead",
  message: sentences.VersionAhead,
  reason: "VERSION_AHEAD",
  current: currentOf(session),
  ...no
})

/** A port failed: no decision was made, nothing was written. */
export const portUnavailable = (failed: PortUnavailable): E.StorageUnavailable => ({
  _tag: "StorageUnavailable",
  message: `The ${failed.port} port gave no answer.`,
  reason: failed.reason ?? "PORT_UNAVAILABLE",
  retryAfterMillis,
  ...again
})

const unavailableMessage = ({ applied, reason }: EngineError.JournalUnavailable): string => {
  if (reason === "FORMAT") return "A newer release stored this; run that release. Nothing was changed."
  if (reason === "FLOW_VERSION")
    return "A newer version of the flow wrote this session; a server that runs it can answer. Nothing was changed."
  return applied === "no"
    ? "The store gave no answer; nothing was changed."
    : "The store gave no answer; the change may have been made."
}

/** Maps errors of the engine to those of the contract. */
export const fromEngine = (error: EngineError.EngineError): E.Overloaded | E.StorageUnavailable => {
  if (error._tag === "JournalUnavailable")
    return {
      _tag: "StorageUnavailable",
      message: unavailableMessage(error),
      reason: error.reason,
      retryable: true,
      applied: error.applied,
      retryAfterMillis
    }
  const draining = error._tag === "SystemDraining"
  const reason = draining ? "DRAINING" : error.scope === "system" ? "SYSTEM_FULL" : "MAILBOX_FULL"
  const message = draining ? "The service is shutting down." : sentences.Overloaded
  return { _tag: "Overloaded", message, reason, retryAfterMillis, ...again }
}
