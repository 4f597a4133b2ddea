/**
 * Result: the answer of a Promise call. A refusal is an ordinary answer, not an exception; `OnelaneError` is the one error class
 * for callers who prefer exceptions.
 *
 * Every answer says whether the call was applied: yes (`ok: true`), certainly not (`applied: "no"`) or unknown.
 */
import type { Access, CheckoutError, CheckoutSession } from "@onelane/checkout"
import type { Directory } from "@onelane/directory"
import * as Cause from "effect/Cause"
import * as Exit from "effect/Exit"

/** The answer of one call: the value, or a typed error. */
export type Result<A, E> = { readonly ok: true; readonly value: A } | { readonly ok: false; readonly error: E }

/**
 * The caller's `AbortSignal` fired before the answer came. `applied: "no"` when the call was not sent yet, or only reads;
 * `"unknown"` otherwise: retry with the same idempotency key to find out.
 */
export interface Aborted {
  readonly _tag: "Aborted"
  readonly message: string
  readonly reason: "ABORTED"
  readonly retryable: true
  readonly applied: "no" | "unknown"
}

/** Creates an `Aborted`. */
export const aborted = (applied: "no" | "unknown"): Aborted => ({
  _tag: "Aborted",
  message: applied === "no" ? "The call was aborted before it began" : "The call was aborted before its answer came",
  reason: "ABORTED",
  retryable: true,
  applied
})

/**
 * The checkout was closed while a session was watched. The session continues: watch it again from another checkout, after the
 * last version seen.
 */
export interface Closed {
  readonly _tag: "Closed"
  readonly message: string
  readonly reason: "CLOSED"
  readonly retryable: false
  readonly applied: "no"
}

/** The error that ends an iteration of changes when the checkout is closed. */
export const closed: Closed = Object.freeze({
  _tag: "Closed",
  message: "The checkout was closed while the session was watched",
  reason: "CLOSED",
  retryable: false,
  applied: "no"
})

/** The answer to a call on a closed checkout, and the error that ends a stream of changes when its layer is closed. */
export const draining: CheckoutError.Overloaded = Object.freeze({
  _tag: "Overloaded",
  message: "This checkout was closed",
  reason: "DRAINING",
  retryable: false,
  applied: "no",
  retryAfterMillis: 0
})

/** Every error of a Promise call. */
export type CallError = CheckoutError.CheckoutError | Aborted | Closed

/** Thrown by the `…OrThrow` calls: the typed error in an `Error` whose stack shows the call. */
export class OnelaneError<E extends CallError = CallError> extends Error {
  override readonly name = "OnelaneError"
  /** The typed error itself. */
  readonly error: E
  constructor(error: E) {
    super(`${error._tag}: ${error.message}`)
    this.error = error
  }
  /** Which error, e.g. `"ExpectedStateMismatch"`. */
  get tag(): E["_tag"] {
    return this.error._tag
  }
  /** The stable code for programs, e.g. `"STATE_MISMATCH"`. */
  get reason(): E["reason"] {
    return this.error.reason
  }
  /** Whether the call may have been applied all the same. */
  get applied(): "no" | "unknown" {
    return this.error.applied
  }
  /** The session as the refusal saw it, where the caller may see it; with `OUTCOME_UNKNOWN`, as the last attempt saw it. */
  get current(): CheckoutSession.CurrentSession | null {
    return currentIn(this.error)
  }
}

const currentIn = (error: CallError): CheckoutSession.CurrentSession | null => {
  if ("current" in error) return error.current
  return "last" in error && error.last !== undefined ? currentIn(error.last) : null
}

/** Turns an `Exit` into a result; an interruption becomes `whenInterrupted`. A defect is thrown. */
export const fromExit = <A, E>(exit: Exit.Exit<A, E>, whenInterrupted: Aborted): Result<A, E | Aborted> => {
  if (Exit.isSuccess(exit)) return { ok: true, value: exit.value }
  if (exit.cause._tag === "Fail") return { ok: false, error: exit.cause.error }
  // A refusal next to an interruption answers one attempt only; an earlier one may have been applied.
  if (Cause.isInterrupted(exit.cause) && Cause.defects(exit.cause).length === 0)
    return { ok: false, error: whenInterrupted }
  const failure = Cause.failureOption(exit.cause)
  if (failure._tag === "Some") return { ok: false, error: failure.value }
  throw Cause.squash(exit.cause)
}

/** Returns the value, or throws an `OnelaneError`. */
export const orThrow = <A, E extends CallError>(result: Result<A, E>): A => {
  if (result.ok) return result.value
  throw new OnelaneError(result.error)
}

/** The call named an entry that the directory does not have, or the store gave no answer. In the first case nothing was written. */
export class DirectoryError extends Error {
  override readonly name = "DirectoryError"
  /** The typed error itself. */
  readonly error: Directory.UnknownEntry | Access.PortUnavailable
  constructor(error: Directory.UnknownEntry | Access.PortUnavailable) {
    const isUnknown = error._tag === "UnknownEntry"
    super(isUnknown ? `there is no such ${error.entry}: ${error.id}` : "the directory gave no answer", {
      cause: isUnknown ? undefined : error.cause
    })
    this.error = error
  }
}
