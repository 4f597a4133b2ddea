/**
 * SessionState: the state of a session's actor, and `evolve`.
 *
 * Owns: how events change the state, the alarm, the stored format. Does not own: the rules (command files) and
 * idempotency records, which are events that the journal finds by digest.
 */

import type { CartRevision } from "../ports/Carts.js"
import type { CheckoutSession, ClosedBy } from "./CheckoutSession.js"
import { errorState } from "./CheckoutState.js"
import type { JsonObject } from "./Json.js"
import * as MergePatch from "./MergePatch.js"
import type { Migrated } from "./Migrated.js"
import type { Arriving, Patching, SessionEvent } from "./SessionEvent.js"
import * as StoreFormat from "./StoreFormat.js"

/** The work key of a state. A later claim of that state's task uses the same key. */
export interface WorkKey {
  readonly state: string
  readonly key: string
}

/** The state of one session's actor; `session` is null until it is opened. */
export interface SessionState {
  /** See `StoreFormat`. */
  readonly format: number
  /** The version of the flow that wrote it. A flow of a lower version does not change it. */
  readonly flowVersion: number
  readonly session: CheckoutSession | null
  /** Deadline of the running task, epoch milliseconds. */
  readonly deadlineAt: number | null
  /** The cart's revision at the claim of the running task; null or absent if unknown, or if no task runs. */
  readonly cartRevision?: CartRevision | null | undefined
  /** Work keys with an unknown outcome, at most one per state. */
  readonly workKeys: ReadonlyArray<WorkKey>
  /** Follow-up claims since a client's call, this one included; absent if the claim is none. */
  readonly followUps?: number | undefined
  /**
   * States that the session had to leave because its flow no longer has them, newest last, at most `formerCapacity`;
   * absent: none.
   */
  readonly formerStates?: ReadonlyArray<string> | undefined
}

/** Former states kept per session. */
export const formerCapacity = 8

/** The state before a session is opened. */
export const initial: SessionState = {
  format: StoreFormat.current,
  flowVersion: 1,
  session: null,
  deadlineAt: null,
  workKeys: []
}

/** Applies one event. The state stays at its version of the flow. */
export const evolve = (state: SessionState, event: SessionEvent): SessionState => {
  if (event.type === "Opened")
    return arrived({ ...initial, flowVersion: state.flowVersion }, opened(event), event.proceeded, 0)
  if (state.session === null) throw new Error(`event ${event.type} before Opened`)
  const session = event.owner == null ? state.session : { ...state.session, ...event.owner }
  const { at } = event
  switch (event.type) {
    case "Updated": {
      const closedBy = event.archives ? "COMPLETED" : null
      const data = dataAfter(session, event)
      const moved = changed(session, at, event.to, null, closedBy, session.orderId, event.requestId, data)
      return arrived(state, moved, event.proceeded, 0)
    }
    case "Claimed": {
      const { operationId, workKey, to: nextState } = event
      const claim = { operationId, workKey, nextState }
      const data = dataAfter(session, event)
      const claimed = changed(session, at, session.state, claim, null, session.orderId, event.requestId, data)
      return working(state, claimed, withWorkKey(state.workKeys, session.state, workKey), event)
    }
    case "TaskCompleted": {
      const closedBy = event.archives ? "COMPLETED" : null
      const data = dataAfter(session, event)
      const orderId = event.orderId ?? session.orderId
      const moved = changed(session, at, event.to, null, closedBy, orderId, session.lastRequestId, data)
      return arrived(state, moved, event.proceeded, state.followUps ?? 0, withoutWorkKey(state.workKeys, event.from))
    }
    case "TaskFailed": {
      const failed = changed(session, at, errorState, null, null, session.orderId)
      // A success refused because of its cart ends the work key as well. An invalid result, or one with refused data,
      // does not: the next try must not pay again.
      const isRefused = event.orderId !== undefined && event.cause.code === "CART_CHANGED"
      const isKnown = event.applied === "no" || isRefused
      return closed(state, failed, isKnown ? withoutWorkKey(state.workKeys, event.from) : state.workKeys)
    }
    case "ClaimReleased": {
      const closedBy = event.archives === true ? "COMPLETED" : null
      return closed(state, changed(session, at, session.state, null, closedBy, session.orderId))
    }
    case "Cancelled":
      return closed(state, changed(session, at, session.state, null, "CANCELLED", session.orderId))
    case "OwnerChanged":
    case "LateResult": {
      const { nextState, operationId, orderId, workKey, state: now } = session
      const claim =
        operationId === null || nextState === null || workKey === null ? null : { operationId, workKey, nextState }
      return { ...state, session: changed(session, at, now, claim, null, orderId) }
    }
    case "Expired":
      return closed(state, changed(session, at, session.state, null, "EXPIRED", session.orderId))
    case "Migrated":
      return migrated(state, session, event)
    case "Moved":
      return movedBy(state, session, event)
  }
}

const movedBy = (
  state: SessionState,
  session: CheckoutSession,
  { archives, at, proceeded, retired = [], to }: Extract<SessionEvent, { readonly type: "Moved" }>
): SessionState => {
  const moved = changed(session, at, to, null, archives ? "COMPLETED" : null, session.orderId)
  return withFormer(arrived(state, moved, proceeded, 0), retired)
}

// The claim continues under its new names, or has ended. If two states are merged, one work key is kept: that of the
// running claim, else the newer one.
const migrated = (before: SessionState, session: CheckoutSession, event: Migrated): SessionState => {
  const { at, nextState, renamed, retired, to, versions } = event
  const { operationId, orderId, workKey } = session
  const claim =
    nextState === null || operationId === null || workKey === null ? null : { operationId, workKey, nextState }
  const after = changed(session, at, to, claim, event.archives ? "COMPLETED" : null, orderId)
  const names = new Map(renamed)
  const byState = new Map(before.workKeys.map((one) => [names.get(one.state) ?? one.state, one.key]))
  if (claim !== null) byState.set(to, claim.workKey)
  const workKeys = Array.from(byState, ([state, key]) => ({ state, key }))
  const state = claim === null ? closed(before, after, workKeys) : { ...before, session: after, workKeys }
  return withFormer({ ...state, flowVersion: versions[1] }, retired)
}

/** Returns an `evolve` that also sets the state's flow version. */
export const evolveAt =
  (flowVersion: number): typeof evolve =>
  (state, event) =>
    evolve(state.flowVersion === flowVersion ? state : { ...state, flowVersion }, event)

const withFormer = (state: SessionState, retired: ReadonlyArray<string>): SessionState => {
  if (retired.length === 0) return state
  const kept = (state.formerStates ?? []).filter((one) => !retired.includes(one))
  return { ...state, formerStates: [...kept, ...retired].slice(-formerCapacity) }
}

const dataAfter = ({ data }: CheckoutSession, { data: patch }: Patching): JsonObject | null =>
  patch === undefined ? data : MergePatch.apply(data ?? {}, patch)

// A work key lives until its outcome is known: a success ends it, and so does a failure that was certainly not applied.
const withoutWorkKey = (workKeys: SessionState["workKeys"], state: string): SessionState["workKeys"] =>
  workKeys.filter((one) => one.state !== state)

const withWorkKey = (before: SessionState["workKeys"], state: string, key: string): SessionState["workKeys"] =>
  before.some((one) => one.state === state && one.key === key)
    ? before
    : [...withoutWorkKey(before, state), { state, key }]

interface Claim {
  readonly operationId: string
  readonly workKey: string
  readonly nextState: string
}

// The only place that changes a session: derived fields are computed here, so the invariants of CONTRACT §1 hold by
// construction. A literal with every field, not a spread, because this runs in every accepted turn.
const changed = (
  session: CheckoutSession,
  at: number,
  state: string,
  claim: Claim | null,
  closedBy: ClosedBy | null,
  orderId: string | null,
  lastRequestId: string | null = session.lastRequestId,
  data: JsonObject | null = session.data
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
  isArchived: closedBy !== null,
  closedBy,
  operationId: claim === null ? null : claim.operationId,
  workKey: claim === null ? null : claim.workKey,
  orderId,
  version: session.version + 1,
  lastRequestId,
  createdAt: session.createdAt,
  updatedAt: at,
  expiresAt: session.expiresAt,
  data
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
  isArchived: event.archives === true,
  closedBy: event.archives === true ? "COMPLETED" : null,
  operationId: null,
  workKey: null,
  orderId: null,
  version: 1,
  lastRequestId: null,
  createdAt: event.at,
  updatedAt: event.at,
  expiresAt: event.expiresAt,
  data: event.data === undefined ? null : MergePatch.apply({}, event.data)
})

const closed = (state: SessionState, session: CheckoutSession, workKeys = state.workKeys): SessionState => {
  const { flowVersion } = state
  return keepFormer(state, { format: StoreFormat.current, flowVersion, session, deadlineAt: null, workKeys })
}

const working = (
  state: SessionState,
  session: CheckoutSession,
  workKeys: SessionState["workKeys"],
  { cartRevision = null, deadlineAt }: Pick<SessionState, "cartRevision"> & { readonly deadlineAt: number }
): SessionState => {
  const { flowVersion } = state
  return keepFormer(state, { format: StoreFormat.current, flowVersion, session, deadlineAt, workKeys, cartRevision })
}

const keepFormer = ({ formerStates }: SessionState, after: SessionState): SessionState =>
  formerStates === undefined ? after : { ...after, formerStates }

// A session that has come to a state: free, or with a follow-up claim.
const arrived = (
  state: SessionState,
  session: CheckoutSession,
  proceeded: Arriving["proceeded"],
  followUps: number,
  workKeys = state.workKeys
): SessionState => {
  const followUp = proceeded?.followUp ?? null
  if (followUp === null) return closed(state, session, workKeys)
  const { nextState, operationId, workKey } = followUp
  const claimed = { ...session, isProcessing: true, nextState, operationId, workKey }
  const after = working(state, claimed, withWorkKey(workKeys, session.state, workKey), followUp)
  return { ...after, followUps: followUps + 1 }
}

/** The alarm of a claimed session: always due, so that a restart finds it regardless of the clock. */
export const claimedAlarmMillis = 0

/** When a session is due: a claimed one always (its task resumes after a restart), any other at its expiry. */
export const alarm = (state: SessionState): number | null => {
  const { session } = state
  if (session === null || session.isArchived) return null
  return session.isProcessing ? claimedAlarmMillis : session.expiresAt
}

/** Step 9 of CONTRACT §3: why a session is closed, or null. A session does not expire while its task runs. */
export const closedReason = (state: SessionState, turn: { readonly nowMillis: number }): ClosedBy | null => {
  const { session } = state
  if (session === null) return null
  if (session.closedBy !== null) return session.closedBy
  const past = session.expiresAt !== null && turn.nowMillis >= session.expiresAt
  return past && !session.isProcessing ? "EXPIRED" : null
}

/** Decodes a stored state. */
export const decode = (stored: unknown): SessionState => {
  const state = stored as Partial<SessionState> | null
  StoreFormat.check(state)
  if (!Array.isArray(state?.workKeys) || typeof state.session?.id !== "string")
    throw new Error("stored value is not the state of a checkout session")
  const { flowVersion = 1, session } = state
  if (!Number.isSafeInteger(flowVersion) || flowVersion < 1)
    throw new Error("a stored state names no version of a flow")
  if (state.flowVersion !== undefined && session.data !== undefined) return state as SessionState
  // A state written by a release without flow versions or without data.
  return { ...state, flowVersion, session: { ...session, data: session.data ?? null } } as SessionState
}

/** Whether an event archives the session. */
export const isLast = (event: SessionEvent): boolean =>
  event.type === "Cancelled" || event.type === "Expired" || ("archives" in event && event.archives === true)
