/**
 * CheckoutError: all errors of the service, one tag for each different reaction of a caller.
 *
 * A *refusal* comes from a rule: certainly not applied, nothing written. *Unavailable* means that no decision was made;
 * only `StorageUnavailable` can be in doubt (`applied: "unknown"`): retry with the same idempotency key to find out.
 * All are plain tagged objects without a stack: of 64 concurrent callers, 63 get one. Their schemas are in
 * `CheckoutErrorSchema`, which only wire formats load.
 *
 * Order of checks and codes: CONTRACT §3. `reason` is more specific than the tag only from step 6 on; `current` is
 * present only from step 9 on.
 */
import type * as Schemas from "./CheckoutErrorSchema.js"

/**
 * Step 0, for calls to a server: it refused the token (`TOKEN_REFUSED`), or the host's token function returned none
 * (`TOKEN_UNAVAILABLE`). `retryable`: a retry gets a new token. An engine in this process never returns it.
 */
export type NotAuthenticated = typeof Schemas.NotAuthenticated.Type

/** Step 1: the caller may not invoke the action. */
export type ActionNotPermitted = typeof Schemas.ActionNotPermitted.Type

/** Step 2: an input is missing, of the wrong type, out of range or unknown. `fields` names them. */
export type InvalidInput = typeof Schemas.InvalidInput.Type

/** Step 3: the session id is malformed. */
export type InvalidCheckoutSessionId = typeof Schemas.InvalidCheckoutSessionId.Type

/** Step 4: a state is not one of the flow, may not be requested, or both are the same. `fields` names the inputs. */
export type InvalidState = typeof Schemas.InvalidState.Type

/** Step 5: no such session, or none this caller may see. The two cannot be told apart. */
export type SessionInaccessible = typeof Schemas.SessionInaccessible.Type

/** Step 6: the effective account is invalid, or the caller may not act for it. */
export type AccountInaccessible = typeof Schemas.AccountInaccessible.Type

/** Step 7: the account is not a member of the store. */
export type NotStoreMember = typeof Schemas.NotStoreMember.Type

/** Step 8: the key was used for another input. `requestId` names the update it was accepted for. */
export type IdempotencyConflict = typeof Schemas.IdempotencyConflict.Type

/**
 * Step 9: the session is finished (`COMPLETED`), cancelled (`CANCELLED`) or past its expiry (`EXPIRED`). An open fails
 * with it if the cart was ordered already: `orderId` and `checkoutSessionId` name the order and its session. `current`
 * is null only where the session itself was pruned.
 */
export type SessionClosed = typeof Schemas.SessionClosed.Type

/** Step 10: the status of the cart does not allow an update. */
export type CartNotUpdatable = typeof Schemas.CartNotUpdatable.Type

/**
 * Step 10a: the flow no longer has the state of the session, so nothing leads out of it. Waiting does not help: cancel
 * the session, let an operator move it, or deploy a flow that maps the state (`migrate`).
 */
export type StateRetired = typeof Schemas.StateRetired.Type

/**
 * Step 11: the session is in another state (`STATE_MISMATCH`) or at another version (`VERSION_MISMATCH`) than expected.
 */
export type ExpectedStateMismatch = typeof Schemas.ExpectedStateMismatch.Type

/** Step 12: a task of the current state runs; waiting can help. */
export type SessionProcessing = typeof Schemas.SessionProcessing.Type

/** Step 13: the flow has no such edge. `allowed` lists the states it has edges to. */
export type TransitionNotAllowed = typeof Schemas.TransitionNotAllowed.Type

/**
 * Step 13a: the session's data after the merge patch is refused; nothing was changed. `reason`: the flow's schema does
 * not accept it (`DATA_MISMATCH`), it is larger than the service allows (`DATA_TOO_LARGE`) or deeper than 32 levels
 * (`DATA_TOO_DEEP`), or the schema threw or returned a Promise (`SCHEMA_FAILED`). `paths`: where, as at most 16 JSON
 * Pointers; never values. `current` is null where the session was not opened.
 */
export type InvalidData = typeof Schemas.InvalidData.Type

/**
 * A task result (or a release) names an operation that is not the running one. `reason`: it had ended by its deadline,
 * a failure or another result (`OPERATION_LATE`), by a cancel (`OPERATION_CANCELLED`) or a release
 * (`OPERATION_RELEASED`), the session has expired since (`OPERATION_EXPIRED`), or it never ran here
 * (`OPERATION_UNKNOWN`). The session did not move. `recorded`: the result was a success, and its order id is kept for
 * operators, because somebody may have paid.
 */
export type OperationNotCurrent = typeof Schemas.OperationNotCurrent.Type

/**
 * A call requests history or changes after a version that the session has not reached: `current.version` is the last
 * one. The store was restored from a backup, or the version belongs to another session. Read the session and continue
 * from its version.
 */
export type VersionAhead = typeof Schemas.VersionAhead.Type

/** Step 14: a bounded mailbox is full, or the service is draining. Certainly not applied; retry later. */
export type Overloaded = typeof Schemas.Overloaded.Type

type NoAnswer = typeof Schemas.StorageUnavailable.Type

/** Step 14: the store or a port failed. `applied` says whether the update may have been committed. */
export interface StorageUnavailable extends NoAnswer {
  /**
   * Set by the SDK with reason `OUTCOME_UNKNOWN`: the error of its last try. It shows the present session (`current`,
   * if the error has one), but not whether an earlier try was applied.
   */
  readonly last?: CheckoutError | undefined
  /** Set by the SDK if `applied` is `"unknown"`: retry with this key to find out. */
  readonly idempotencyKey?: string | undefined
}

/** Errors of any call about an existing session. */
export type AccessError =
  | NotAuthenticated
  | ActionNotPermitted
  | InvalidInput
  | InvalidCheckoutSessionId
  | SessionInaccessible
  | AccountInaccessible
  | NotStoreMember
  | StorageUnavailable
  | Overloaded

/** Errors of `history` and `changes`. */
export type HistoryError = AccessError | VersionAhead

/** Errors of `update`. */
export type UpdateError =
  | AccessError
  | InvalidState
  | IdempotencyConflict
  | SessionClosed
  | CartNotUpdatable
  | StateRetired
  | ExpectedStateMismatch
  | SessionProcessing
  | TransitionNotAllowed
  | InvalidData

/** Errors of `open`. */
export type OpenError =
  | AccessError
  | IdempotencyConflict
  | InvalidState
  | SessionClosed
  | CartNotUpdatable
  | InvalidData

/** Errors of `cancel`. */
export type CancelError = AccessError | IdempotencyConflict | SessionClosed | ExpectedStateMismatch

/** Errors of `failTask` and `releaseClaim`. */
export type OperationError =
  | AccessError
  | IdempotencyConflict
  | SessionClosed
  | ExpectedStateMismatch
  | OperationNotCurrent

/** Errors of `completeTask`: the result may choose a next state. */
export type CompleteError = OperationError | InvalidState | TransitionNotAllowed | InvalidData

/** Errors of `move`. */
export type MoveError =
  | AccessError
  | InvalidState
  | IdempotencyConflict
  | SessionClosed
  | ExpectedStateMismatch
  | SessionProcessing

/** Every error of the service. */
export type CheckoutError = UpdateError | OperationNotCurrent | VersionAhead
