/**
 * SessionState: what the actor of one session keeps, the events that change it, and `evolve`.
 *
 * Owns: the fold from events to state, the idempotency records (part of the state, so record and transition are one
 * commit), the alarm. Does not own: any rule (the command files).
 */
import type { CheckoutSession, HistoryEntry, TaskCause } from "./CheckoutSession.js"
import { errorState } from "./CheckoutState.js"

/** An idempotency key as sent: who sent it and with which input (a canonical text). */
export interface KeyUse {
  readonly key: string
  readonly by: string
  readonly input: string
}

/** An accepted update that carried a key, with what its answer needs. */
export interface AcceptedUpdate extends KeyUse {
  readonly requestId: string
  readonly at: number
  readonly version: number
  readonly state: string
  readonly nextState: string | null
  readonly operationId: string | null
  readonly orderId: string | null
  readonly isArchived: boolean
}

/** The state of one session's actor; `session` is null until it is opened. */
export interface SessionState {
  readonly session: CheckoutSession | null
  readonly accepted: ReadonlyArray<AcceptedUpdate>
  readonly closedBy: "ARCHIVED" | "EXPIRED" | null
  /** When the running task has failed, epoch milliseconds. */
  readonly deadlineAt: number | null
}

/** Most idempotency records a session keeps; the oldest go first. */
export const acceptedCapacity = 64

/** How long a record is honoured, milliseconds. */
export const acceptedMillis = 86_400_000

/** The state of a session nobody opened. */
export const initial: SessionState = { session: null, accepted: [], closedBy: null, deadlineAt: null }

interface Moved {
  readonly at: number
  readonly by: string
  readonly requestId: string
  readonly from: string
  readonly to: string
  readonly use: KeyUse | null
}

interface Closing {
  readonly at: number
  readonly from: string
  readonly by: string | null
  readonly operationId: string
}

/** Everything that can happen to a session. Plain JSON. Every event is one version. */
export type SessionEvent =
  | ({ readonly type: "Opened"; readonly at: number; readonly by: string; readonly requestId: string } & Pick<
      CheckoutSession,
      "id" | "cartId" | "storeId" | "accountId" | "ownerId" | "state" | "expiresAt"
    >)
  | ({ readonly type: "Updated"; readonly archives: boolean } & Moved)
  | ({ readonly type: "Claimed"; readonly operationId: string; readonly deadlineAt: number } & Moved)
  | ({
      readonly type: "TaskCompleted"
      readonly to: string
      readonly orderId: string | null
      readonly archives: boolean
    } & Closing)
  | ({ readonly type: "TaskFailed"; readonly cause: TaskCause } & Closing)
  | ({ readonly type: "ClaimReleased"; readonly reason: string } & Closing)
  | {
      readonly type: "Cancelled"
      readonly at: number
      readonly from: string
      readonly by: string
      readonly requestId: string
    }
  | { readonly type: "Expired"; readonly at: number; readonly from: string }

/** Applies one event. */
export const evolve = (state: SessionState, event: SessionEvent): SessionState => {
  if (event.type === "Opened") return { ...initial, session: opened(event) }
  const { session } = state
  if (session === null) throw new Error(`event ${event.type} before Opened`)
  const { at } = event
  switch (event.type) {
    case "Updated":
      return remember(
        state,
        event,
        changed(session, at, event.to, null, event.archives, session.orderId, event.requestId)
      )
    case "Claimed": {
      const claim = { operationId: event.operationId, nextState: event.to }
      const claimed = changed(session, at, session.state, claim, false, session.orderId, event.requestId)
      return { ...remember(state, event, claimed), deadlineAt: event.deadlineAt }
    }
    case "TaskCompleted":
      return closed(state, changed(session, at, event.to, null, event.archives, event.orderId ?? session.orderId))
    case "TaskFailed":
      return closed(state, changed(session, at, errorState, null, false, session.orderId))
    case "ClaimReleased":
      return closed(state, changed(session, at, session.state, null, false, session.orderId))
    case "Cancelled":
      return closed(state, changed(session, at, session.state, null, true, session.orderId))
    case "Expired":
      return { ...closed(state, changed(session, at, session.state, null, true, session.orderId)), closedBy: "EXPIRED" }
  }
}

// The one place where a session changes: what is derived is derived here, so the invariants of SEMANTICS §1 hold by
// construction. A literal with every field, not a spread: this runs in every accepted turn.
const changed = (
  session: CheckoutSession,
  at: number,
  state: string,
  claim: { readonly operationId: string; readonly nextState: string } | null,
  isArchived: boolean,
  orderId: string | null,
  lastRequestId: string | null = session.lastRequestId
): CheckoutSession => ({
  id: session.id,
  cartId: session.cartId,
  storeId: session.storeId,
  accountId: session.accountId,
  ownerId: session.ownerId,
  state,
  nextState: claim === null ? null : claim.nextState,
  isProcessing: claim !== null,
  isError: state === errorState,
  isArchived,
  operationId: claim === null ? null : claim.operationId,
  orderId,
  version: session.version + 1,
  lastRequestId,
  createdAt: session.createdAt,
  updatedAt: at,
  expiresAt: session.expiresAt
})

const opened = (event: Extract<SessionEvent, { readonly type: "Opened" }>): CheckoutSession => ({
  id: event.id,
  cartId: event.cartId,
  storeId: event.storeId,
  accountId: event.accountId,
  ownerId: event.ownerId,
  state: event.state,
  nextState: null,
  isProcessing: false,
  isError: false,
  isArchived: false,
  operationId: null,
  orderId: null,
  version: 1,
  lastRequestId: null,
  createdAt: event.at,
  updatedAt: event.at,
  expiresAt: event.expiresAt
})

const closed = (state: SessionState, session: CheckoutSession): SessionState => ({
  session,
  accepted: state.accepted,
  closedBy: session.isArchived ? "ARCHIVED" : null,
  deadlineAt: null
})

const remember = (state: SessionState, event: Moved, session: CheckoutSession): SessionState => {
  const after = closed(state, session)
  if (event.use === null) return after
  const { version, nextState, operationId, orderId, isArchived } = session
  const { requestId, at } = event
  const record: AcceptedUpdate = {
    ...event.use,
    requestId,
    at,
    version,
    state: session.state,
    nextState,
    operationId,
    orderId,
    isArchived
  }
  const kept = state.accepted.filter((old) => at - old.at < acceptedMillis)
  return { ...after, accepted: [...kept.slice(-(acceptedCapacity - 1)), record] }
}

/** The session as it was right after the recorded update: the answer that a replay repeats. */
export const sessionAt = (session: CheckoutSession, record: AcceptedUpdate): CheckoutSession => ({
  ...session,
  state: record.state,
  nextState: record.nextState,
  operationId: record.operationId,
  isProcessing: record.operationId !== null,
  isError: false,
  isArchived: record.isArchived,
  orderId: record.orderId,
  version: record.version,
  lastRequestId: record.requestId,
  updatedAt: record.at
})

/** The alarm of a claimed session: always due, so that a restart finds it whatever the clock says by then. */
export const claimedAlarmMillis = 0

/** When a session wants attention: a claimed one at once (after a restart its task resumes), another at its expiry. */
export const alarm = (state: SessionState): number | null => {
  const { session } = state
  if (session === null || session.isArchived) return null
  return session.isProcessing ? claimedAlarmMillis : session.expiresAt
}

/** Takes in what a journal stored. */
export const decode = (stored: unknown): SessionState => {
  const state = stored as Partial<SessionState> | null
  if (
    typeof state !== "object" ||
    state === null ||
    !Array.isArray(state.accepted) ||
    typeof state.session?.id !== "string"
  )
    throw new Error("stored value is not the state of a checkout session")
  return state as SessionState
}

const fields = {
  from: null,
  to: null,
  requestId: null,
  operationId: null,
  by: null,
  reason: null,
  cause: null
} as const

/** An event as callers may see it: idempotency keys stay inside. */
export const historyEntry = (version: number, event: SessionEvent): HistoryEntry => {
  const { type, at } = event
  const entry: HistoryEntry = { version, type, ...fields, at, from: event.type === "Opened" ? null : event.from }
  switch (event.type) {
    case "Opened":
      return { ...entry, to: event.state, requestId: event.requestId, by: event.by }
    case "Updated":
      return { ...entry, to: event.to, requestId: event.requestId, by: event.by }
    case "Claimed":
      return { ...entry, to: event.to, requestId: event.requestId, by: event.by, operationId: event.operationId }
    case "TaskCompleted":
      return { ...entry, to: event.to, operationId: event.operationId, by: event.by }
    case "TaskFailed": {
      const { operationId, by, cause } = event
      return { ...entry, to: errorState, operationId, by, reason: cause.code, cause }
    }
    case "ClaimReleased":
      return { ...entry, operationId: event.operationId, by: event.by, reason: event.reason }
    case "Cancelled":
      return { ...entry, requestId: event.requestId, by: event.by }
    case "Expired":
      return entry
  }
}

/** Whether nothing can follow an event. */
export const isLast = (event: SessionEvent): boolean =>
  event.type === "Cancelled" || event.type === "Expired" || ("archives" in event && event.archives)
