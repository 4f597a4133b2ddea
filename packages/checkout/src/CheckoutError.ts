/**
 * CheckoutError: every answer that is not a success, one tag per thing a caller can do about it.
 *
 * A *refusal* is a rule that said no: certainly not done, nothing written. *Unavailable* means that no decision was
 * given; only `StorageUnavailable` can be in doubt (`applied: "unknown"`), and an idempotency key settles it.
 * All are plain tagged objects without a stack: 63 of 64 racers get one.
 *
 * Order of checks and codes: SEMANTICS §3. `reason` tells more than the tag only from step 6 on, `current` is there
 * only from step 9 on.
 */
import * as Schema from "effect/Schema"
import { CurrentSession } from "./CheckoutSession.js"

const refusal = <Tag extends string, Fields extends Schema.Struct.Fields>(tag: Tag, fields: Fields) =>
  Schema.Struct({
    _tag: Schema.Literal(tag),
    message: Schema.String,
    retryable: Schema.Boolean,
    applied: Schema.Literal("no"),
    ...fields
  })

/** Step 1: the caller may not invoke the action. */
export const ActionNotPermitted = refusal("ActionNotPermitted", { reason: Schema.Literal("ACTION_NOT_PERMITTED") })
export type ActionNotPermitted = typeof ActionNotPermitted.Type

/** Step 2: an input is missing, of the wrong type, out of range or unknown. `fields` names them. */
export const InvalidInput = refusal("InvalidInput", {
  reason: Schema.Literal("REQUIRED_FIELD_MISSING", "INVALID_INPUT"),
  fields: Schema.Array(Schema.String)
})
export type InvalidInput = typeof InvalidInput.Type

/** Step 3: the session id is malformed. */
export const InvalidCheckoutSessionId = refusal("InvalidCheckoutSessionId", {
  reason: Schema.Literal("INVALID_CHECKOUT_SESSION_ID")
})
export type InvalidCheckoutSessionId = typeof InvalidCheckoutSessionId.Type

/** Step 4: a state is not one of the flow, may not be asked for, or both are the same. `fields` names the inputs. */
export const InvalidState = refusal("InvalidState", {
  reason: Schema.Literal("INVALID_STATE"),
  fields: Schema.Array(Schema.String)
})
export type InvalidState = typeof InvalidState.Type

/** Step 5: no such session, or none this caller may see. The two cannot be told apart. */
export const SessionInaccessible = refusal("SessionInaccessible", { reason: Schema.Literal("SESSION_INACCESSIBLE") })
export type SessionInaccessible = typeof SessionInaccessible.Type

/** Step 6: the effective account is invalid, or the caller may not act for it. */
export const AccountInaccessible = refusal("AccountInaccessible", {
  reason: Schema.Literal("ACCOUNT_INVALID_OR_INACCESSIBLE")
})
export type AccountInaccessible = typeof AccountInaccessible.Type

/** Step 7: the account is not a member of the store. */
export const NotStoreMember = refusal("NotStoreMember", { reason: Schema.Literal("NOT_A_STORE_MEMBER") })
export type NotStoreMember = typeof NotStoreMember.Type

/** Step 8: the key was used for another input. `requestId` names the update it was accepted for. */
export const IdempotencyConflict = refusal("IdempotencyConflict", {
  reason: Schema.Literal("IDEMPOTENCY_KEY_REUSED"),
  requestId: Schema.String
})
export type IdempotencyConflict = typeof IdempotencyConflict.Type

/** Step 9: the session is finished, cancelled (`ARCHIVED`) or past its expiry (`EXPIRED`). */
export const SessionClosed = refusal("SessionClosed", {
  reason: Schema.Literal("ARCHIVED", "EXPIRED"),
  current: CurrentSession
})
export type SessionClosed = typeof SessionClosed.Type

/** Step 10: the cart may not move in its status. */
export const CartNotUpdatable = refusal("CartNotUpdatable", {
  reason: Schema.Literal("CART_NOT_UPDATABLE"),
  cartStatus: Schema.String,
  current: Schema.NullOr(CurrentSession)
})
export type CartNotUpdatable = typeof CartNotUpdatable.Type

/** Step 11: the session is in another state (`STATE_MISMATCH`) or at another version (`VERSION_MISMATCH`) than expected. */
export const ExpectedStateMismatch = refusal("ExpectedStateMismatch", {
  reason: Schema.Literal("STATE_MISMATCH", "VERSION_MISMATCH"),
  current: CurrentSession
})
export type ExpectedStateMismatch = typeof ExpectedStateMismatch.Type

/** Step 12: a task of the current state runs; waiting can help. */
export const SessionProcessing = refusal("SessionProcessing", {
  reason: Schema.Literal("ALREADY_IN_PROCESS"),
  retryAfterMillis: Schema.Number,
  current: CurrentSession
})
export type SessionProcessing = typeof SessionProcessing.Type

/** Step 13: the flow has no such edge. `allowed` lists the states it has edges to. */
export const TransitionNotAllowed = refusal("TransitionNotAllowed", {
  reason: Schema.Literal("TRANSITION_NOT_ALLOWED"),
  allowed: Schema.Array(Schema.String),
  current: CurrentSession
})
export type TransitionNotAllowed = typeof TransitionNotAllowed.Type

/**
 * A task result (or a release) came for an operation that is not the running one: it was completed, failed, released
 * or cancelled before, or never existed. Nothing changed.
 */
export const OperationNotCurrent = refusal("OperationNotCurrent", {
  reason: Schema.Literal("OPERATION_NOT_CURRENT"),
  current: CurrentSession
})
export type OperationNotCurrent = typeof OperationNotCurrent.Type

/** Step 14: a bounded mailbox is full, or the service is draining. Certainly not done; come back later. */
export const Overloaded = refusal("Overloaded", {
  reason: Schema.Literal("MAILBOX_FULL", "SYSTEM_FULL", "DRAINING"),
  retryAfterMillis: Schema.Number
})
export type Overloaded = typeof Overloaded.Type

/** Step 14: the store or a port gave no answer. `applied` says whether the update may have been committed. */
export const StorageUnavailable = Schema.Struct({
  _tag: Schema.Literal("StorageUnavailable"),
  message: Schema.String,
  retryable: Schema.Boolean,
  applied: Schema.Literal("no", "unknown"),
  reason: Schema.String,
  retryAfterMillis: Schema.Number
})
export type StorageUnavailable = typeof StorageUnavailable.Type

/** What any call about an existing session can be answered with. */
export const AccessError = Schema.Union(
  ActionNotPermitted,
  InvalidInput,
  InvalidCheckoutSessionId,
  SessionInaccessible,
  AccountInaccessible,
  NotStoreMember,
  StorageUnavailable,
  Overloaded
)
export type AccessError = typeof AccessError.Type

/** What an update can be answered with. */
export const UpdateError = Schema.Union(
  ...AccessError.members,
  InvalidState,
  IdempotencyConflict,
  SessionClosed,
  CartNotUpdatable,
  ExpectedStateMismatch,
  SessionProcessing,
  TransitionNotAllowed
)
export type UpdateError = typeof UpdateError.Type

/** What an open can be answered with. */
export const OpenError = Schema.Union(...AccessError.members, InvalidState, CartNotUpdatable)
export type OpenError = typeof OpenError.Type

/** What a cancel can be answered with. */
export const CancelError = Schema.Union(...AccessError.members, SessionClosed, ExpectedStateMismatch)
export type CancelError = typeof CancelError.Type

/** What completing, failing or releasing an operation can be answered with. */
export const OperationError = Schema.Union(...AccessError.members, SessionClosed, OperationNotCurrent)
export type OperationError = typeof OperationError.Type

/** Every error of the service. */
export const CheckoutError = Schema.Union(...UpdateError.members, OperationNotCurrent)
export type CheckoutError = typeof CheckoutError.Type
