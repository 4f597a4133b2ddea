/**
 * Examples: one request for every endpoint and one answer for every error, put into the OpenAPI document. The errors are
 * written by the table that writes the real ones.
 */
import type { CheckoutError } from "@onelane/checkout"
import { failedElement } from "../formats/StandardActions.js"
import * as AdapterError from "./AdapterError.js"
import * as WireError from "./WireError.js"

const checkoutSessionId = "cs_0198c1d2a7f04e5b9c"
const operationId = "op_0198c1d2a7f04e5b9d"
const requestId = "req_0198c1d2a7f04e5b9e"

/** Parameters, by name. */
export const parameters: Readonly<Record<string, string | number>> = {
  checkoutSessionId,
  operationId,
  version: "v62.0",
  action: "updateCheckoutSessionAction",
  "if-match": '"7"',
  "idempotency-key": "8f14e45f-ceea-467f-a0d6-0b1c7c1d2e3f",
  "last-event-id": "7",
  afterVersion: 6,
  limit: 50
}

const update = { expCurrentState: "Start", nextState: "Shipping Address" }

/** Bodies, by operation. */
export const bodies: Readonly<Record<string, object>> = {
  "sessions.open": { cartId: "cart-1", initialState: "Start", expiresInMillis: 3_600_000 },
  "sessions.update": { ...update, expectedVersion: 7, idempotencyKey: parameters["idempotency-key"] },
  "sessions.cancel": { expectedVersion: 7 },
  "sessions.cancelCart": { cartId: "cart-1" },
  "sessions.complete": { orderId: "order-1" },
  "sessions.fail": { code: "OUT_OF_STOCK", message: "Two items are gone." },
  "sessions.release": { reason: "The warehouse is closed today." },
  "actions.invoke": { inputs: [{ checkoutSessionId, ...update }] }
}

const no = { retryable: false, applied: "no" } as const
const current = {
  state: "Inventory",
  nextState: "Confirm Price",
  isProcessing: true,
  isArchived: false,
  orderId: null,
  version: 8,
  lastRequestId: requestId
}
const settled = { ...current, nextState: null, isProcessing: false }

type Errors = { readonly [T in WireError.Tag]: Omit<Extract<CheckoutError.CheckoutError, { _tag: T }>, "_tag"> }

const errors: Errors = {
  ActionNotPermitted: { message: "The caller may not invoke this action.", reason: "ACTION_NOT_PERMITTED", ...no },
  InvalidInput: {
    message: "Required input missing: nextState.",
    reason: "REQUIRED_FIELD_MISSING",
    fields: ["nextState"],
    ...no
  },
  InvalidCheckoutSessionId: {
    message: "The checkout session id is malformed.",
    reason: "INVALID_CHECKOUT_SESSION_ID",
    ...no
  },
  InvalidState: { message: "Not a state of this flow.", reason: "INVALID_STATE", fields: ["nextState"], ...no },
  SessionInaccessible: {
    message: "The session does not exist or is not accessible.",
    reason: "SESSION_INACCESSIBLE",
    ...no
  },
  AccountInaccessible: {
    message: "The effective account is invalid or inaccessible.",
    reason: "ACCOUNT_INVALID_OR_INACCESSIBLE",
    ...no
  },
  NotStoreMember: { message: "The account is not a member of the store.", reason: "NOT_A_STORE_MEMBER", ...no },
  IdempotencyConflict: {
    message: "The idempotency key was used for another input.",
    reason: "IDEMPOTENCY_KEY_REUSED",
    requestId,
    ...no
  },
  SessionClosed: {
    message: "The session is completed.",
    reason: "COMPLETED",
    checkoutSessionId,
    orderId: "order-1",
    current: { ...settled, state: "Complete", isArchived: true, orderId: "order-1" },
    ...no
  },
  CartNotUpdatable: {
    message: "The cart cannot be updated in its status.",
    reason: "CART_NOT_UPDATABLE",
    cartStatus: "Closed",
    current: settled,
    ...no
  },
  ExpectedStateMismatch: {
    message: "The session is in another state than expected.",
    reason: "STATE_MISMATCH",
    current: settled,
    ...no
  },
  SessionProcessing: {
    message: "A task of the current state is running.",
    reason: "ALREADY_IN_PROCESS",
    retryAfterMillis: 1_000,
    current,
    ...no,
    retryable: true
  },
  TransitionNotAllowed: {
    message: "The flow does not allow this transition.",
    reason: "TRANSITION_NOT_ALLOWED",
    allowed: ["Confirm Price"],
    current: settled,
    ...no
  },
  OperationNotCurrent: {
    message: "The operation is not the running one.",
    reason: "OPERATION_NOT_CURRENT",
    current: settled,
    ...no
  },
  Overloaded: {
    message: "Too much work is waiting.",
    reason: "MAILBOX_FULL",
    retryAfterMillis: 100,
    ...no,
    retryable: true
  },
  StorageUnavailable: {
    message: "The store gave no answer.",
    reason: "TIMEOUT",
    retryAfterMillis: 100,
    retryable: true,
    applied: "unknown"
  }
}

const adapterErrors: ReadonlyArray<AdapterError.AdapterError> = [
  AdapterError.tokenMissing,
  AdapterError.tokenRefused(false),
  AdapterError.tokenRefused(true),
  AdapterError.authenticationUnavailable,
  AdapterError.notFound,
  AdapterError.methodNotAllowed(["GET"]),
  AdapterError.unsupportedMediaType,
  AdapterError.malformedRequest,
  AdapterError.malformedBody("The body is not valid JSON"),
  AdapterError.contradiction("expectedVersion is said twice, and differently"),
  AdapterError.limitExceeded("A body nests at most 32 levels deep"),
  AdapterError.bodyTooLarge(1_048_576),
  AdapterError.requestTimeout,
  AdapterError.headersTooLong,
  AdapterError.tooManyCalls(1_000),
  AdapterError.tooManyStreams(100),
  AdapterError.overloaded
]

type Named = Readonly<Record<string, { readonly value: unknown }>>

/** Those of one code are numbered. */
const named = (examples: ReadonlyArray<readonly [string, unknown]>): Named => {
  const byName: Record<string, { readonly value: unknown }> = {}
  for (const [name, value] of examples) {
    const same = Object.keys(byName).filter((each) => each.split(" ")[0] === name).length
    byName[same === 0 ? name : `${name} ${same + 1}`] = { value }
  }
  return byName
}

const adapterAt = (status: number) => adapterErrors.filter((error) => error.status === status)

const errorOf = (tag: string) => ({ _tag: tag, ...errors[tag as WireError.Tag] }) as CheckoutError.CheckoutError

/** The problems of a response, of the tags its schema names, at its status. */
export const problems = (tags: ReadonlyArray<string>, status: number): Named =>
  named(
    tags.flatMap((tag) =>
      tag === "Adapter"
        ? adapterAt(status).map((error) => [error.code, WireError.problemOf(error, status)] as const)
        : [[tag, WireError.problemOf(errorOf(tag), status)] as const]
    )
  )

/** What the action format says at a status: of a request as a whole, and of one input that failed. */
export const actionErrors = (status: number): Named =>
  named([
    ...adapterAt(status).map(({ code, message }) => [code, [{ message, errorCode: code }]] as const),
    ...Object.keys(errors)
      .filter((tag) => WireError.rows[tag as WireError.Tag].status === status)
      .map((tag) => [tag, [failedElement("updateCheckoutSessionAction", errorOf(tag))]] as const)
  ])
