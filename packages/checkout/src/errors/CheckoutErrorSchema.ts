/**
 * CheckoutErrorSchema: the errors of `CheckoutError` as schemas, for wire formats. Not in the package's index: an
 * embedded engine decodes nothing, and loading `Schema` costs more than loading all of the engine.
 */
import * as Schema from "effect/Schema"

/** Schema of `CheckoutSession.CurrentSession`. */
export const CurrentSession = Schema.Struct({
  state: Schema.String,
  version: Schema.Int,
  nextState: Schema.NullOr(Schema.String),
  isProcessing: Schema.Boolean,
  isArchived: Schema.Boolean,
  orderId: Schema.NullOr(Schema.String),
  lastRequestId: Schema.NullOr(Schema.String)
})

const refusal = <Tag extends string, Fields extends Schema.Struct.Fields>(tag: Tag, fields: Fields) =>
  Schema.Struct({
    _tag: Schema.Literal(tag),
    message: Schema.String,
    retryable: Schema.Boolean,
    applied: Schema.Literal("no"),
    ...fields
  })

/** Schema of `NotAuthenticated`. */
export const NotAuthenticated = refusal("NotAuthenticated", {
  reason: Schema.Literal("TOKEN_REFUSED", "TOKEN_UNAVAILABLE")
})

/** Schema of `ActionNotPermitted`. */
export const ActionNotPermitted = refusal("ActionNotPermitted", { reason: Schema.Literal("ACTION_NOT_PERMITTED") })

/** Schema of `InvalidInput`. */
export const InvalidInput = refusal("InvalidInput", {
  reason: Schema.Literal("REQUIRED_FIELD_MISSING", "INVALID_INPUT"),
  fields: Schema.Array(Schema.String)
})

/** Schema of `InvalidCheckoutSessionId`. */
export const InvalidCheckoutSessionId = refusal("InvalidCheckoutSessionId", {
  reason: Schema.Literal("INVALID_CHECKOUT_SESSION_ID")
})

/** Schema of `InvalidState`. */
export const InvalidState = refusal("InvalidState", {
  reason: Schema.Literal("INVALID_STATE"),
  fields: Schema.Array(Schema.String)
})

/** Schema of `SessionInaccessible`. */
export const SessionInaccessible = refusal("SessionInaccessible", { reason: Schema.Literal("SESSION_INACCESSIBLE") })

/** Schema of `AccountInaccessible`. */
export const AccountInaccessible = refusal("AccountInaccessible", {
  reason: Schema.Literal("ACCOUNT_INVALID_OR_INACCESSIBLE")
})

/** Schema of `NotStoreMember`. */
export const NotStoreMember = refusal("NotStoreMember", { reason: Schema.Literal("NOT_A_STORE_MEMBER") })

/** Schema of `IdempotencyConflict`. */
export const IdempotencyConflict = refusal("IdempotencyConflict", {
  reason: Schema.Literal("IDEMPOTENCY_KEY_REUSED"),
  requestId: Schema.String
})

/** Schema of `SessionClosed`. */
export const SessionClosed = refusal("SessionClosed", {
  reason: Schema.Literal("COMPLETED", "CANCELLED", "EXPIRED"),
  checkoutSessionId: Schema.String,
  orderId: Schema.NullOr(Schema.String),
  current: Schema.NullOr(CurrentSession)
})

/** Schema of `CartNotUpdatable`. */
export const CartNotUpdatable = refusal("CartNotUpdatable", {
  reason: Schema.Literal("CART_NOT_UPDATABLE"),
  cartStatus: Schema.String,
  current: Schema.NullOr(CurrentSession)
})

/** Schema of `StateRetired`. */
export const StateRetired = refusal("StateRetired", {
  reason: Schema.Literal("STATE_RETIRED"),
  current: CurrentSession
})

/** Schema of `ExpectedStateMismatch`. */
export const ExpectedStateMismatch = refusal("ExpectedStateMismatch", {
  reason: Schema.Literal("STATE_MISMATCH", "VERSION_MISMATCH"),
  current: CurrentSession
})

/** Schema of `SessionProcessing`. */
export const SessionProcessing = refusal("SessionProcessing", {
  reason: Schema.Literal("ALREADY_IN_PROCESS"),
  retryAfterMillis: Schema.Number,
  current: CurrentSession
})

/** Schema of `TransitionNotAllowed`. */
export const TransitionNotAllowed = refusal("TransitionNotAllowed", {
  reason: Schema.Literal("TRANSITION_NOT_ALLOWED"),
  allowed: Schema.Array(Schema.String),
  current: CurrentSession
})

/** Schema of `InvalidData`. */
export const InvalidData = refusal("InvalidData", {
  reason: Schema.Literal("DATA_MISMATCH", "DATA_TOO_LARGE", "DATA_TOO_DEEP", "SCHEMA_FAILED"),
  paths: Schema.Array(Schema.String),
  current: Schema.NullOr(CurrentSession)
})

/** Schema of `OperationNotCurrent`. */
export const OperationNotCurrent = refusal("OperationNotCurrent", {
  reason: Schema.Literal(
    "OPERATION_LATE",
    "OPERATION_CANCELLED",
    "OPERATION_RELEASED",
    "OPERATION_EXPIRED",
    "OPERATION_UNKNOWN"
  ),
  recorded: Schema.Boolean,
  current: CurrentSession
})

/** Schema of `VersionAhead`. */
export const VersionAhead = refusal("VersionAhead", {
  reason: Schema.Literal("VERSION_AHEAD"),
  current: CurrentSession
})

/** Schema of `Overloaded`. */
export const Overloaded = refusal("Overloaded", {
  reason: Schema.Literal("MAILBOX_FULL", "SYSTEM_FULL", "DRAINING"),
  retryAfterMillis: Schema.Number
})

/** Schema of `StorageUnavailable`. */
export const StorageUnavailable = Schema.Struct({
  _tag: Schema.Literal("StorageUnavailable"),
  message: Schema.String,
  retryable: Schema.Boolean,
  applied: Schema.Literal("no", "unknown"),
  reason: Schema.String,
  retryAfterMillis: Schema.Number
})

/** Schema of `AccessError`. */
export const AccessError = Schema.Union(
  NotAuthenticated,
  ActionNotPermitted,
  InvalidInput,
  InvalidCheckoutSessionId,
  SessionInaccessible,
  AccountInaccessible,
  NotStoreMember,
  StorageUnavailable,
  Overloaded
)

/** Schema of `HistoryError`. */
export const HistoryError = Schema.Union(...AccessError.members, VersionAhead)

/** Schema of `UpdateError`. */
export const UpdateError = Schema.Union(
  ...AccessError.members,
  InvalidState,
  IdempotencyConflict,
  SessionClosed,
  CartNotUpdatable,
  StateRetired,
  ExpectedStateMismatch,
  SessionProcessing,
  TransitionNotAllowed,
  InvalidData
)

/** Schema of `OpenError`. */
export const OpenError = Schema.Union(
  ...AccessError.members,
  IdempotencyConflict,
  InvalidState,
  SessionClosed,
  CartNotUpdatable,
  InvalidData
)

/** Schema of `CancelError`. */
export const CancelError = Schema.Union(
  ...AccessError.members,
  IdempotencyConflict,
  SessionClosed,
  ExpectedStateMismatch
)

/** Schema of `OperationError`. */
export const OperationError = Schema.Union(
  ...AccessError.members,
  IdempotencyConflict,
  SessionClosed,
  ExpectedStateMismatch,
  OperationNotCurrent
)

/** Schema of `CompleteError`. */
export const CompleteError = Schema.Union(...OperationError.members, InvalidState, TransitionNotAllowed, InvalidData)

/** Schema of `MoveError`. */
export const MoveError = Schema.Union(
  ...AccessError.members,
  InvalidState,
  IdempotencyConflict,
  SessionClosed,
  ExpectedStateMismatch,
  SessionProcessing
)

/** Schema of `CheckoutError`. */
export const CheckoutError = Schema.Union(...UpdateError.members, OperationNotCurrent, VersionAhead)
