/**
 * Outcome: decides what to do after failed attempts: return the last answer, wait and retry, or give up.
 *
 * "Unknown" never becomes "no": an attempt whose answer was lost may have been applied, or may still arrive. A later
 * answer settles it only if it rules both out (`settles`). Any other answer leaves the caller with `applied:
 * "unknown"`, and with that answer in `last`.
 *
 * Pure. It is not called after a success: an acceptance or a replay always settles.
 */
import * as Backoff from "./Backoff.js"
import type { CallError, CheckoutError, Overloaded, StorageUnavailable } from "./CheckoutError.js"

/** How often a call is retried, and with which pauses. */
export interface Policy {
  /** Retries after the first attempt. */
  readonly limit: number
  /** Upper bound of the first pause, in milliseconds. */
  readonly baseMillis: number
  /** Longest pause, in milliseconds. */
  readonly maxMillis: number
}

/** The call that is retried. */
export interface Call {
  /** Safe to send again even if it was applied: a read, `open`, or a call with an idempotency key. */
  readonly repeatable: boolean
  readonly idempotencyKey?: string | undefined
  readonly expectedVersion?: number | undefined
}

/** What to do next. `pauseMillis` takes a random number between 0 and 1. */
export type Next<E> =
  | { readonly step: "give back"; readonly error: E | StorageUnavailable }
  | { readonly step: "give up"; readonly error: StorageUnavailable }
  | { readonly step: "wait"; readonly pauseMillis: (jitter: number) => number }

/** Answers without a decision. */
type Undecided = Overloaded | StorageUnavailable

/** Whether the service gave no decision. */
export const isUndecided = (error: { readonly _tag: string }): error is Undecided =>
  error._tag === "Overloaded" || error._tag === "StorageUnavailable"

/** Whether the call may be sent again after this answer. */
export const mayRepeat = (repeatable: boolean, error: { readonly _tag: string }): error is Undecided =>
  isUndecided(error) && error.retryable && (error.applied === "no" || repeatable)

/** Whether a subscription may be opened again after this answer. An expired token is retried with a new one. */
export const mayResume = (error: CallError): boolean =>
  mayRepeat(true, error) || (error._tag === "NotAuthenticated" && error.retryable)

/**
 * Whether this answer to a later attempt settles an unknown earlier one as "not applied, and never will be": the
 * session is closed, the key belongs to another input, or the session has passed the version that the caller expects.
 * An applied call would have been replayed before any of these checks. After any other refusal the delayed earlier
 * attempt may still be accepted.
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

/** Decides from all errors so far, oldest first; there is at least one. */
export const next = <E extends CheckoutError>(call: Call, policy: Policy, errors: ReadonlyArray<E>): Next<E> => {
  const error = errors[errors.length - 1]!
  if (errors.length <= policy.limit && mayRepeat(call.repeatable, error)) {
    const { retryAfterMillis } = error
    return {
      step: "wait",
      pauseMillis: (jitter) => Backoff.pauseMillis(policy, errors.length, jitter, retryAfterMillis)
    }
  }
  const isUnsettled = errors.slice(0, -1).some(({ applied }) => applied === "unknown") && !settles(call, error)
  if (isUnsettled && error.applied === "no") return { step: "give up", error: unknown(call, policy, error) }
  return { step: "give back", error: final(call, error) }
}

/** The error if an earlier attempt may have been applied and the last answer does not settle it. */
const unknown = (call: Call, policy: Policy, last: CheckoutError): StorageUnavailable => {
  const seen = final(call, last)
  return {
    _tag: "StorageUnavailable",
    message: `An earlier try may have been applied; the last one: ${last.message}`,
    reason: "OUTCOME_UNKNOWN",
    retryable: call.idempotencyKey !== undefined && (!isUndecided(seen) || seen.retryable),
    applied: "unknown",
    retryAfterMillis: isUndecided(seen) ? seen.retryAfterMillis : policy.maxMillis,
    last: seen,
    idempotencyKey: call.idempotencyKey
  }
}

/** Adds the idempotency key to an error with an unknown outcome. */
const final = <E extends CheckoutError>({ idempotencyKey }: Call, error: E): E | StorageUnavailable =>
  error.applied === "unknown" && idempotencyKey !== undefined ? { ...error, idempotencyKey } : error
