/**
 * CheckoutSession: the public data of one session, and its history entries.
 * Source: CONTRACT §1. Instants are epoch milliseconds, UTC; on the wire they are ISO 8601 strings.
 */
import type * as Schemas from "../errors/CheckoutErrorSchema.js"
import * as Json from "./Json.js"

/** How a session ended: its flow reached a final state, it was cancelled, or it expired. */
export type ClosedBy = "COMPLETED" | "CANCELLED" | "EXPIRED"

/**
 * The progress of one cart through checkout.
 *
 * Invariants at any moment: `isProcessing` ⇔ `operationId`, `nextState` and `workKey` are set; `isError` ⇔ `state` is
 * `Error`; `isArchived` ⇔ `closedBy` is set; an archived session never changes again; `version` only grows, by one.
 */
export interface CheckoutSession {
  readonly id: string
  readonly cartId: string
  readonly storeId: string
  readonly accountId: string
  readonly ownerId: string
  readonly state: string
  readonly nextState: string | null
  readonly isProcessing: boolean
  readonly isError: boolean
  readonly isArchived: boolean
  /** Null while the session is live. */
  readonly closedBy: ClosedBy | null
  readonly operationId: string | null
  /** The idempotency key to send to a provider for the running task (`TaskContext.workKey`); null when no task runs. */
  readonly workKey: string | null
  readonly orderId: string | null
  readonly version: number
  readonly lastRequestId: string | null
  readonly createdAt: number
  readonly updatedAt: number
  readonly expiresAt: number | null
  /** The session's data; null if the flow declares none. */
  readonly data: Json.JsonObject | null
}

// A field with a nested object does not compile here until `copyOf` copies that object too.
type Flat<A> = {
  readonly [K in keyof Required<A>]: A[K] extends string | number | boolean | null | undefined ? A[K] : never
}
type Copied = Flat<Omit<CheckoutSession, "data">> & Pick<CheckoutSession, "data">

/**
 * Copies a session, wherever one leaves the engine, so callers may change it. A literal with every field, because this
 * runs in every accepted turn.
 */
export const copyOf = (session: CheckoutSession): Copied => ({
  id: session.id,
  cartId: session.cartId,
  storeId: session.storeId,
  accountId: session.accountId,
  ownerId: session.ownerId,
  state: session.state,
  nextState: session.nextState,
  isProcessing: session.isProcessing,
  isError: session.isError,
  isArchived: session.isArchived,
  closedBy: session.closedBy,
  operationId: session.operationId,
  workKey: session.workKey,
  orderId: session.orderId,
  version: session.version,
  lastRequestId: session.lastRequestId,
  createdAt: session.createdAt,
  updatedAt: session.updatedAt,
  expiresAt: session.expiresAt,
  data: session.data === null ? null : Json.copyOf(session.data)
})

/** The session's fields in a refusal. */
export type CurrentSession = typeof Schemas.CurrentSession.Type

/** The part of a session that a refusal shows from step 9 on. */
export const currentOf = (session: CheckoutSession): CurrentSession => ({
  state: session.state,
  version: session.version,
  nextState: session.nextState,
  isProcessing: session.isProcessing,
  isArchived: session.isArchived,
  orderId: session.orderId,
  lastRequestId: session.lastRequestId
})

/** Why a task failed, as stored in the history. */
export interface TaskCause {
  readonly code: string
  readonly message: string
}

/** Types of changes. */
export type HistoryType =
  | "Opened"
  | "Updated"
  | "Claimed"
  | "TaskCompleted"
  | "TaskFailed"
  | "ClaimReleased"
  | "OwnerChanged"
  | "Cancelled"
  | "Expired"
  | "LateResult"
  | "Migrated"
  | "Moved"

/**
 * One committed change. `version` is the session's version after it; `from` and `to` are the states before and the one
 * moved to (for `Claimed`: the one it will move to when the task completes). Fields that do not apply are null.
 *
 * `Migrated`: a later version of the flow renamed the state, ended the claim (`cause`) or completed the session;
 * `reason` names the versions. `Moved`: an operator (`by`) moved the session; `reason` says why. `LateResult`: a task
 * succeeded after its claim was closed; `orderId` is the order it created, and the state did not change.
 */
export interface HistoryEntry {
  readonly version: number
  readonly type: HistoryType
  readonly at: number
  readonly from: string | null
  readonly to: string | null
  readonly requestId: string | null
  readonly operationId: string | null
  /** The work key of the task that was claimed or whose claim was closed. */
  readonly workKey: string | null
  /** The order that a task created. Every order id of a session stays in its history. */
  readonly orderId: string | null
  readonly by: string | null
  readonly reason: string | null
  readonly cause: TaskCause | null
  /** The cart had another revision when the task ended than when it was claimed. */
  readonly cartChanged: boolean
  /**
   * The states that the session passed through automatically on its way to `to`, in order; empty if none. If the
   * automatic steps stopped early, `reason` says why.
   */
  readonly passedThrough: ReadonlyArray<string>
  /** The claim that the engine made in the same commit, because `to` proceeds; null if none. */
  readonly followUp: FollowUpClaim | null
  /** The merge patch that this change applied to the session's data; null if it had none. */
  readonly data: Json.JsonObject | null
}

/**
 * A claim that the engine made automatically, for the work of the state that the session came to; `nextState` is its
 * target.
 */
export interface FollowUpClaim {
  readonly operationId: string
  readonly workKey: string
  readonly nextState: string
}

/** The invariants of CONTRACT §1 that a session violates; empty if none. */
export const violations = (session: CheckoutSession): ReadonlyArray<string> => {
  const found: Array<string> = []
  if (session.isProcessing !== (session.operationId !== null))
    found.push("isProcessing without operationId, or the reverse")
  if (session.isProcessing !== (session.nextState !== null))
    found.push("isProcessing without nextState, or the reverse")
  if (session.isProcessing !== (session.workKey !== null)) found.push("isProcessing without workKey, or the reverse")
  if (session.isArchived !== (session.closedBy !== null)) found.push("isArchived without closedBy, or the reverse")
  if (session.isError !== (session.state === "Error")) found.push("isError does not match state Error")
  if (session.isArchived && session.isProcessing) found.push("archived while processing")
  if (session.version < 1) found.push("version below 1")
  return found
}
