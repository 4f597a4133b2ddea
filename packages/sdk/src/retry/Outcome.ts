/**
 * Outcome: what a call comes to after its failed tries: give the last answer back, wait and try again, or give up.
 *
 * "Unknown" never turns into "no": a try whose answer was lost may still arrive, or may have been applied. Later tries
 * settle it only by an answer that could not be given if it had been applied or still could be (`settles`). Any other
 * answer leaves the caller with `applied: "unknown"`, and with that answer in `last`.
 *
 * Pure, without Effect: a client without Effect decides by the same function. A success is not asked about: an
 * acceptance or a replay always settles.
 */
import type { CheckoutError, StorageUnavailable } from "@onelane/checkout/CheckoutError"
import * as Backoff from "@onelane/engine/Backoff"

/** How long and how often a call is tried. */
export interface Policy {
  /** Tries after the first one. */
  readonly limit: number
  /** Upper end of the first pause, in milliseconds. */
  readonly baseMillis: number
  /** Longest pause, in milliseconds. */
  readonly maxMillis: number
  /** Whether somebody restarts the service when it drains or its store is fenced (true for a server, false in this process). */
  readonly restarts: boolean
}

/** The call that is tried. */
export interface Call {
  /** Sending it again cannot do harm even if it was applied: a read, `open`, or a call with an idempotency key. */
  readonly repeatable: boolean
  readonly idempotencyKey?: string | undefined
  readonly expectedVersion?: number | undefined
}

/** What to do next. `pauseMillis` takes a random number between 0 and 1. */
export type Next<E> =
  | { readonly step: "give back"; readonly error: E | StorageUnavailable }
  | { readonly step: "give up"; readonly error: StorageUnavailable }
  | { readonly step: "wait"; readonly pauseMillis: (jitter: number) => number }

/** Answers in which no decision was given. */
type Undecided = Extract<CheckoutError, { readonly _tag: "Overloaded" | "StorageUnavailable" }>

/** Whether the service gave no decision. */
export const isUndecided = (error: { readonly _tag: string }): error is Undecided =>
  error._tag === "Overloaded" || error._tag === "StorageUnavailable"

/** Whether a call that was answered so may be sent again. */
export const mayRepeat = (policy: Policy, repeatable: boolean, error: { readonly _tag: string }): error is Undecided =>
  isUndecided(error) &&
  error.retryable &&
  (error.applied === "no" || repeatable) &&
  (policy.restarts || (error.reason !== "DRAINING" && error.reason !== "FENCED"))

/**
 * Whether this answer to a later try settles an unknown earlier one as "not applied, and never will be": the session is
 * closed, the key belongs to another input, or the session has passed the version the caller expects. An applied call
 * would have been replayed before any of these checks. Every other refusal may be followed by the delayed earlier try,
 * and that one may be accepted.
 */
export const settles = (call: Call, error: CheckoutError): boolean => {
  switch (error._tag) {
    case "SessionClosed":
    case "IdempotencyConflict":
      return true
    case "ExpectedStateMismatch":
      return call.expectedVersion !== undefined && error.current.version > call.expectedVersion
    default:
      return false
  }
}

/** Decides by all errors the call was answered with so far, oldest first; there is at least one. */
export const next = <E extends CheckoutError>(call: Call, policy: Policy, errors: ReadonlyArray<E>): Next<E> => {
  const error = errors[errors.length - 1]!
  if (errors.length <= policy.limit && mayRepeat(policy, call.repeatable, error)) {
    const { retryAfterMillis } = error
    return {
      step: "wait",
      pauseMillis: (jitter) => Backoff.pauseMillis(policy, errors.length, jitter, retryAfterMillis)
    }
  }
  const isUnsettled = errors.slice(0, -1).some(({ applied }) => applied === "unknown") && !settles(call, error)
  if (isUnsettled && error.applied === "no") return { step: "give up", error: unknown(call, policy, error) }
  return { step: "give back", error: final(call, policy, error) }
}

/** The answer when an earlier try may have been applied and the last one does not tell. */
const unknown = (call: Call, policy: Policy, last: CheckoutError): StorageUnavailable => {
  const seen = final(call, policy, last)
  return {
    _tag: "StorageUnavailable",
    message: `An earlier try may have been applied; the last one was answered: ${last.message}`,
    reason: "OUTCOME_UNKNOWN",
    retryable: call.idempotencyKey !== undefined && (!isUndecided(seen) || seen.retryable),
    applied: "unknown",
    retryAfterMillis: isUndecided(seen) ? seen.retryAfterMillis : policy.maxMillis,
    last: seen,
    idempotencyKey: call.idempotencyKey
  }
}

/** A fenced store in this process stays fenced until it is opened anew; an unknown outcome names the key that settles it. */
const final = <E extends CheckoutError>(call: Call, policy: Policy, error: E): E | StorageUnavailable => {
  if (error._tag !== "StorageUnavailable") return error
  const isOver = error.reason === "FENCED" && !policy.restarts
  const fenced = isOver ? { ...error, retryable: false, retryAfterMillis: 0 } : error
  return fenced.applied === "unknown" && call.idempotencyKey !== undefined
    ? { ...fenced, idempotencyKey: call.idempotencyKey }
    : fenced
}
