/**
 * Result: the answer of a Promise call. A refusal is an ordinary answer, not an exception; `OnelaneError` is the one
 * error class for callers who prefer exceptions.
 *
 * Every answer says whether the call was applied: yes (`ok: true`), certainly not (`applied: "no"`) or unknown.
 */
import type { Access, CheckoutError, CheckoutSession } from "@onelane/checkout"
import * as Client from "@onelane/client"
import type { Directory } from "@onelane/directory"

/** The answer of one call: the value, or a typed error. */
export type Result<A, E> = { readonly ok: true; readonly value: A } | { readonly ok: false; readonly error: E }

/**
 * The caller's `AbortSignal` fired before the answer came. `applied: "no"` when the call was not sent yet, or only
 * reads; `"unknown"` otherwise: retry with the same idempotency key to find out.
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
 * The checkout was closed while a session was watched. The session continues: watch it again from another checkout,
 * after the last version seen.
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
export class OnelaneError<E extends CallError = CallError> extends Client.OnelaneError<E> {
  /** Which error, e.g. `"ExpectedStateMismatch"`. */
  get tag(): E["_tag"] {
    return this.error._tag
  }
  /** The stable code for programs, e.g. `"STATE_MISMATCH"`. */
  get reason(): E["reason"] {
    return this.error.reason
  }
  /** Whether the call may have been applied anyway. */
  get applied(): "no" | "unknown" {
    return this.error.applied
  }
  /**
   * The session as the refusal saw it, if the caller may see it; with `OUTCOME_UNKNOWN`, as the last attempt saw it.
   */
  get current(): CheckoutSession.CurrentSession | null {
    return currentIn(this.error)
  }
}

const currentIn = (error: CallError): CheckoutSession.CurrentSession | null => {
  if ("current" in error) return error.current
  return "last" in error && error.last !== undefined ? currentIn(error.last) : null
}

/**
 * The call named a missing entry of the directory, or the store did not answer. In the first case nothing was written.
 */
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
