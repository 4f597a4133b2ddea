/**
 * Words: errors and changes in plain words. Pure. Every error keeps its tag and reason beside the sentence, because
 * that is what documents, logs and colleagues call it.
 */
import type { CallError, HistoryEntry } from "@onelane/client"

/** An error as the page shows it. */
export interface Told {
  readonly sentence: string
  /** Tag and reason: `ExpectedStateMismatch, VERSION_MISMATCH`. */
  readonly code: string
}

const closed: Readonly<Record<string, string>> = {
  COMPLETED: "The session is completed. Nothing can change it any more.",
  CANCELLED: "The session was cancelled. Nothing can change it any more.",
  EXPIRED: "The session has expired. Nothing can change it any more."
}

const ended: Readonly<Record<string, string>> = {
  OPERATION_LATE: "That operation has ended already.",
  OPERATION_CANCELLED: "That operation ended when the session was cancelled.",
  OPERATION_RELEASED: "Somebody has released that operation already.",
  OPERATION_EXPIRED: "That operation ended when the session expired."
}

const at = (current: { readonly state: string; readonly version: number }): string =>
  `The session is in ${current.state} now, version ${current.version}.`

/** The sentence for an error, which may be one that only a later server knows. */
const sentenceOf = (error: CallError): string => {
  switch (error._tag) {
    case "NotAuthenticated":
      return "The server does not take this token. Sign in again."
    case "ActionNotPermitted":
      return "This token is not an operator's: its user lacks the role modify-all-data."
    case "SessionInaccessible":
    case "InvalidCheckoutSessionId":
      return "There is no such session. It may have been removed."
    case "SessionClosed":
      return closed[error.reason] ?? "The session is closed."
    case "ExpectedStateMismatch":
      return `The session changed meanwhile, so nothing was done. ${at(error.current)}`
    case "SessionProcessing":
      return "A task runs. Release its claim first, or wait until it ends. Nothing was done."
    case "OperationNotCurrent":
      return `${ended[error.reason] ?? "That operation is not the running one."} ${at(error.current)}`
    case "InvalidState":
      return "The flow has no such state, or nobody may move a session there. Nothing was done."
    case "TransitionNotAllowed":
      return `The flow has no such transition. It leads to ${error.allowed.join(", ") || "nothing"}.`
    case "CartNotUpdatable":
      return `The cart may not change: its status is ${error.cartStatus}.`
    case "StateRetired":
      return "The flow no longer has the state of this session. Move it, or cancel it."
    case "Overloaded":
      return error.reason === "DRAINING"
        ? "The server is shutting down. Nothing was done; try again in a moment."
        : "The server has more to do than it takes. Nothing was done; try again in a moment."
    case "StorageUnavailable":
      return error.applied === "unknown"
        ? "No answer came, so nobody knows yet whether it was done. Confirm again: the same wish is done once."
        : `The server gives no answer. Nothing was done. ${error.message}`
    default:
      return error.message
  }
}

/** An error in plain words. */
export const tell = (error: CallError): Told => {
  const { _tag, reason } = error as { readonly _tag: string; readonly reason?: string }
  return {
    sentence: sentenceOf(error),
    code: reason === undefined || reason === "" ? _tag : `${_tag}, ${reason}`
  }
}

const reasons: Readonly<Record<string, string>> = {
  CART_NOT_UPDATABLE: "It went no further, because the cart may not change.",
  CART_CHANGED: "It went no further, because the cart has changed.",
  TOO_MANY_FOLLOW_UPS: "It went no further after 100 steps by itself."
}

/** What a change did, without who and when. */
export const did = (entry: HistoryEntry): string => {
  const { cause, from, orderId, to } = entry
  const order = orderId === null ? "" : `, order ${orderId}`
  switch (entry.type) {
    case "Opened":
      return `Opened in ${to ?? "?"}`
    case "Updated":
      return from === to ? `Changed data in ${to ?? "?"}` : `${from ?? "?"} → ${to ?? "?"}`
    case "Claimed":
      return `Work of ${from ?? "?"} began, on the way to ${to ?? "?"}`
    case "TaskCompleted":
      return `Work of ${from ?? "?"} succeeded → ${to ?? "?"}${order}`
    case "TaskFailed":
      return `Work of ${from ?? "?"} failed → ${to ?? "Error"}${cause === null ? "" : `: ${cause.code}`}`
    case "ClaimReleased":
      return `Claim released → ${to ?? "?"}`
    case "OwnerChanged":
      return "The cart got another owner, account or store"
    case "Cancelled":
      return "Cancelled"
    case "Expired":
      return "Expired"
    case "LateResult":
      return `A result came too late${order}`
    case "Migrated":
      return `A later version of the flow took it: ${from ?? "?"} → ${to ?? "?"}`
    case "Moved":
      return `Moved by an operator: ${from ?? "?"} → ${to ?? "?"}`
    default:
      return String(entry.type)
  }
}

/** What is to be said of a change besides, a sentence each. */
export const remarks = (entry: HistoryEntry): ReadonlyArray<string> => {
  const { cartChanged, cause, followUp, passedThrough, reason } = entry
  return [
    ...(cause === null ? [] : [cause.message]),
    ...(reason === null ? [] : [reasons[reason] ?? `Reason: ${reason}`]),
    ...(passedThrough.length === 0 ? [] : [`It passed through ${passedThrough.join(", ")}.`]),
    ...(followUp === null ? [] : [`The next work began at once, on the way to ${followUp.nextState}.`]),
    ...(cartChanged ? ["The cart had changed since the work began."] : []),
    ...(entry.type === "LateResult" ? ["Somebody may have paid: look whether the order must be undone."] : [])
  ].filter((text) => text !== "")
}
