/**
 * SessionHistory: converts events to the history entries that callers read.
 */
import type { HistoryEntry } from "./CheckoutSession.js"
import { errorState } from "./CheckoutState.js"
import * as Json from "./Json.js"
import type { Arriving, SessionEvent } from "./SessionEvent.js"

const fields = {
  from: null,
  to: null,
  requestId: null,
  operationId: null,
  workKey: null,
  orderId: null,
  by: null,
  reason: null,
  cause: null,
  cartChanged: false,
  followUp: null
} as const

/** Converts an event to a history entry for callers, without its idempotency key. */
export const historyEntry = (version: number, event: SessionEvent): HistoryEntry => {
  const { type, at } = event
  const cartChanged = "cartChanged" in event && event.cartChanged === true
  const entry: HistoryEntry = {
    version,
    type,
    ...fields,
    cartChanged,
    ...wayOf("proceeded" in event ? event.proceeded : undefined),
    data: "data" in event && event.data !== undefined ? Json.copyOf(event.data) : null,
    at,
    from: event.type === "Opened" ? null : event.from
  }
  switch (event.type) {
    case "Opened":
      return { ...entry, to: event.state, requestId: event.requestId, by: event.by }
    case "Updated":
    case "Moved":
      return { ...entry, ...movedFields(event) }
    case "Claimed": {
      const { by, operationId, requestId, to, workKey } = event
      return { ...entry, to, requestId, by, operationId, workKey }
    }
    case "TaskCompleted": {
      const { by, operationId, orderId, to, workKey } = event
      return { ...entry, to, operationId, workKey, orderId, by }
    }
    case "LateResult": {
      const { by, operationId, orderId, workKey } = event
      return { ...entry, operationId, workKey, orderId, by }
    }
    case "TaskFailed": {
      const { by, cause, operationId, orderId = null, workKey } = event
      return {
        ...entry,
        to: errorState,
        orderId,
        operationId,
        workKey,
        by,
        reason: cause.code,
        cause: { code: cause.code, message: cause.message }
      }
    }
    case "ClaimReleased": {
      const { by, operationId, reason, workKey } = event
      return { ...entry, operationId, workKey, by, reason }
    }
    case "Cancelled": {
      const { by, operationId, reason = null, requestId, workKey } = event
      return { ...entry, requestId, operationId, workKey, by, reason }
    }
    case "OwnerChanged":
      return { ...entry, requestId: event.requestId, by: event.by }
    case "Expired":
      return entry
    case "Migrated":
      return { ...entry, ...migratedFields(event) }
  }
}

const movedFields = (event: Extract<SessionEvent, { readonly type: "Updated" | "Moved" }>) => {
  const { by, requestId, to } = event
  return "reason" in event ? { to, requestId, by, reason: event.reason } : { to, requestId, by }
}

const migratedFields = (event: Extract<SessionEvent, { readonly type: "Migrated" }>) => {
  const { cause, operationId, to, versions, workKey } = event
  return { to, operationId, workKey, cause, reason: `flow version ${versions[0]} to ${versions[1]}` }
}

// The automatic steps of an event.
const wayOf = (
  proceeded: Arriving["proceeded"]
): Pick<HistoryEntry, "followUp" | "passedThrough"> & Partial<Pick<HistoryEntry, "reason">> => {
  if (proceeded === undefined) return { passedThrough: [], followUp: null }
  const { followUp, halted, through } = proceeded
  const passedThrough = [...through]
  if (followUp === null) return { passedThrough, followUp, reason: halted }
  const { nextState, operationId, workKey } = followUp
  return { passedThrough, followUp: { operationId, workKey, nextState }, reason: halted }
}
