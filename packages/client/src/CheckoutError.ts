/**
 * CheckoutError: every error of a call, as the server returns it, and those that the client adds. Types only.
 *
 * `applied` says whether the call took effect: certainly not (`"no"`), or perhaps (`"unknown"`). `reason` is stable for
 * programs.
 */

/** The session at the time of a refusal. */
export interface CurrentSession {
  readonly state: string
  readonly version: number
  readonly nextState: string | null
  readonly isProcessing: boolean
  readonly isArchived: boolean
  readonly orderId: string | null
  readonly lastRequestId: string | null
}

interface Refusal<Tag extends string, Reason extends string> {
  readonly _tag: Tag
  readonly message: string
  readonly reason: Reason
  readonly retryable: boolean
  readonly applied: "no"
}

/** The server refused the token, or the token function returned none. */
export interface NotAuthenticated extends Refusal<"NotAuthenticated", "TOKEN_REFUSED" | "TOKEN_UNAVAILABLE"> {}

/** The caller may not invoke the action. */
export interface ActionNotPermitted extends Refusal<"ActionNotPermitted", "ACTION_NOT_PERMITTED"> {}

/** An input is missing, of the wrong type, out of range or unknown. `fields` names them. */
export interface InvalidInput extends Refusal<"InvalidInput", "REQUIRED_FIELD_MISSING" | "INVALID_INPUT"> {
  readonly fields: ReadonlyArray<string>
}

/** The session id is malformed. */
export interface InvalidCheckoutSessionId extends Refusal<"InvalidCheckoutSessionId", "INVALID_CHECKOUT_SESSION_ID"> {}

/** A state is not one of the flow, may not be requested, or both are the same. */
export interface InvalidState extends Refusal<"InvalidState", "INVALID_STATE"> {
  readonly fields: ReadonlyArray<string>
}

/** No such session, or none this caller may see. */
export interface SessionInaccessible extends Refusal<"SessionInaccessible", "SESSION_INACCESSIBLE"> {}

/** The account is invalid, or the caller may not act for it. */
export interface AccountInaccessible extends Refusal<"AccountInaccessible", "ACCOUNT_INVALID_OR_INACCESSIBLE"> {}

/** The account is not a member of the store. */
export interface NotStoreMember extends Refusal<"NotStoreMember", "NOT_A_STORE_MEMBER"> {}

/** The key was used for another input. */
export interface IdempotencyConflict extends Refusal<"IdempotencyConflict", "IDEMPOTENCY_KEY_REUSED"> {
  readonly requestId: string
}

/** The session is finished, cancelled or past its expiry. */
export interface SessionClosed extends Refusal<"SessionClosed", "COMPLETED" | "CANCELLED" | "EXPIRED"> {
  readonly checkoutSessionId: string
  readonly orderId: string | null
  readonly current: CurrentSession | null
}

/** The status of the cart does not allow an update. */
export interface CartNotUpdatable extends Refusal<"CartNotUpdatable", "CART_NOT_UPDATABLE"> {
  readonly cartStatus: string
  readonly current: CurrentSession | null
}

/** The flow no longer has the state of the session. */
export interface StateRetired extends Refusal<"StateRetired", "STATE_RETIRED"> {
  readonly current: CurrentSession
}

/** Another caller was first: the session is in another state or at another version than expected. */
export interface ExpectedStateMismatch extends Refusal<"ExpectedStateMismatch", "STATE_MISMATCH" | "VERSION_MISMATCH"> {
  readonly current: CurrentSession
}

/** A task of the current state runs; waiting can help. */
export interface SessionProcessing extends Refusal<"SessionProcessing", "ALREADY_IN_PROCESS"> {
  readonly retryAfterMillis: number
  readonly current: CurrentSession
}

/** The flow has no such transition. `allowed`: the states it leads to. */
export interface TransitionNotAllowed extends Refusal<"TransitionNotAllowed", "TRANSITION_NOT_ALLOWED"> {
  readonly allowed: ReadonlyArray<string>
  readonly current: CurrentSession
}

/** The data after the patch is refused. `paths`: where, as JSON Pointers. */
export interface InvalidData
  extends Refusal<"InvalidData", "DATA_MISMATCH" | "DATA_TOO_LARGE" | "DATA_TOO_DEEP" | "SCHEMA_FAILED"> {
  readonly paths: ReadonlyArray<string>
  readonly current: CurrentSession | null
}

/** A result names an operation that is not the running one. `recorded`: its order id is kept all the same. */
export interface OperationNotCurrent
  extends Refusal<
    "OperationNotCurrent",
    "OPERATION_LATE" | "OPERATION_CANCELLED" | "OPERATION_RELEASED" | "OPERATION_EXPIRED" | "OPERATION_UNKNOWN"
  > {
  readonly recorded: boolean
  readonly current: CurrentSession
}

/** The requested `afterVersion` of history or changes is above the session's version. */
export interface VersionAhead extends Refusal<"VersionAhead", "VERSION_AHEAD"> {
  readonly current: CurrentSession
}

/** The service is overloaded or shuts down; retry later. */
export interface Overloaded extends Refusal<"Overloaded", "MAILBOX_FULL" | "SYSTEM_FULL" | "DRAINING"> {
  readonly retryAfterMillis: number
}

/** No answer, or one without a decision. `applied: "unknown"`: retry the call with `idempotencyKey` to find out. */
export interface StorageUnavailable {
  readonly _tag: "StorageUnavailable"
  readonly message: string
  readonly reason: string
  readonly retryable: boolean
  readonly applied: "no" | "unknown"
  readonly retryAfterMillis: number
  /**
   * With reason `OUTCOME_UNKNOWN`: the error of the last attempt. It shows the present session, not whether an earlier
   * attempt was applied.
   */
  readonly last?: CheckoutError | undefined
  readonly idempotencyKey?: string | undefined
}

/** The caller's signal fired before the answer came. */
export interface Aborted {
  readonly _tag: "Aborted"
  readonly message: string
  readonly reason: "ABORTED"
  readonly retryable: true
  readonly applied: "no" | "unknown"
}

/** Every error that a server returns. */
export type CheckoutError =
  | NotAuthenticated
  | ActionNotPermitted
  | InvalidInput
  | InvalidCheckoutSessionId
  | InvalidState
  | SessionInaccessible
  | AccountInaccessible
  | NotStoreMember
  | IdempotencyConflict
  | SessionClosed
  | CartNotUpdatable
  | StateRetired
  | ExpectedStateMismatch
  | SessionProcessing
  | TransitionNotAllowed
  | InvalidData
  | OperationNotCurrent
  | VersionAhead
  | Overloaded
  | StorageUnavailable

/** Every error of a call. */
export type CallError = CheckoutError | Aborted
