/**
 * Examples: one request for every endpoint and one answer for every error, put into the OpenAPI document. The errors
 * are created and written by the same code as real ones (`Refusal`, `WireError`).
 */
import { type CheckoutError, type CheckoutSession, Flow, Refusal } from "@onelane/checkout"
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
  cartId: "cart-1",
  state: "Payment And Billing Address",
  archived: "false",
  claimed: "true",
  changedBefore: "2027-01-15T08:00:00.000Z",
  changedAfter: "2027-01-14T08:00:00.000Z",
  after: checkoutSessionId,
  version: "v62.0",
  action: "updateCheckoutSessionAction",
  "if-match": '"7"',
  "idempotency-key": "8f14e45f-ceea-467f-a0d6-0b1c7c1d2e3f",
  "last-event-id": "7",
  prefer: "wait=10",
  afterVersion: 6,
  limit: 50
}

const update = { expCurrentState: "Start", nextState: "Shipping Address" }

/** Bodies, by operation. */
export const bodies: Readonly<Record<string, object>> = {
  "sessions.open": { cartId: "cart-1", initialState: "Start", expiresInMillis: 3_600_000 },
  "sessions.update": { ...update, expectedVersion: 7, idempotencyKey: parameters["idempotency-key"] },
  "sessions.cancel": { expectedVersion: 7, reason: "the buyer called" },
  "sessions.cancelCart": { cartId: "cart-1" },
  "sessions.complete": { orderId: "order-1", next: "Confirm Price" },
  "sessions.fail": { code: "OUT_OF_STOCK", message: "Two items are gone." },
  "sessions.release": { reason: "The warehouse is closed today." },
  "sessions.move": { state: "Shipping Address", reason: "The flow no longer has its state.", expectedVersion: 7 },
  "actions.invoke": { inputs: [{ checkoutSessionId, ...update }] }
}

const atMillis = 1_800_000_000_000

/** A session whose task is running. */
const processing: CheckoutSession.CheckoutSession = {
  id: checkoutSessionId,
  cartId: "cart-1",
  storeId: "store-1",
  accountId: "account-1",
  ownerId: "ann",
  state: "Inventory",
  nextState: "Confirm Price",
  isProcessing: true,
  isError: false,
  isArchived: false,
  closedBy: null,
  operationId,
  workKey: "wk_0198c1d2a7f04e5b9f",
  orderId: null,
  version: 8,
  lastRequestId: requestId,
  createdAt: atMillis,
  updatedAt: atMillis,
  expiresAt: null,
  data: null
}

const settled: CheckoutSession.CheckoutSession = {
  ...processing,
  nextState: null,
  isProcessing: false,
  operationId: null,
  workKey: null
}

const address = { kind: "session", id: checkoutSessionId }

type Errors = { readonly [T in WireError.Tag]: Extract<CheckoutError.CheckoutError, { readonly _tag: T }> }

/** One of each error, created as the service creates it. */
const errors: Errors = {
  // An error of another server, whose answer this one forwards.
  NotAuthenticated: Refusal.tokenRefused(),
  ActionNotPermitted: Refusal.actionNotPermitted,
  InvalidInput: Refusal.requiredFieldMissing(["nextState"]),
  InvalidCheckoutSessionId: Refusal.invalidCheckoutSessionId,
  InvalidState: Refusal.unknownState(["nextState"], Flow.b2b.states),
  SessionInaccessible: Refusal.sessionInaccessible,
  AccountInaccessible: Refusal.accountInaccessible,
  NotStoreMember: Refusal.notStoreMember,
  IdempotencyConflict: Refusal.idempotencyConflict(requestId),
  SessionClosed: Refusal.sessionClosed(
    { ...settled, state: "Complete", isArchived: true, closedBy: "COMPLETED", orderId: "order-1" },
    "COMPLETED"
  ),
  CartNotUpdatable: Refusal.cartNotUpdatable("Closed", settled),
  ExpectedStateMismatch: Refusal.stateMismatch(settled),
  SessionProcessing: Refusal.sessionProcessing(processing, 1_000),
  StateRetired: Refusal.stateRetired(settled),
  TransitionNotAllowed: Refusal.transitionNotAllowed(settled, ["Confirm Price"]),
  InvalidData: Refusal.invalidData({ reason: "DATA_MISMATCH", paths: ["/items/0/quantity"] }, settled),
  OperationNotCurrent: Refusal.operationNotCurrent(settled, "OPERATION_UNKNOWN", false),
  VersionAhead: Refusal.versionAhead(settled),
  Overloaded: Refusal.fromEngine({
    _tag: "MailboxFull",
    address,
    scope: "address",
    applied: "no"
  }) as Errors["Overloaded"],
  StorageUnavailable: Refusal.fromEngine({
    _tag: "JournalUnavailable",
    address,
    reason: "TIMEOUT",
    applied: "unknown"
  }) as Errors["StorageUnavailable"]
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
  AdapterError.contradiction("expectedVersion is given twice, with different values"),
  AdapterError.limitExceeded("A body nests at most 33 levels deep"),
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

/** Further examples, for errors whose reasons need different reactions. */
const more: ReadonlyArray<CheckoutError.CheckoutError> = [
  Refusal.sessionClosed({ ...settled, isArchived: true, closedBy: "CANCELLED" }, "CANCELLED"),
  Refusal.sessionClosed({ ...settled, isArchived: true, closedBy: "EXPIRED" }, "EXPIRED"),
  Refusal.invalidData({ reason: "DATA_TOO_LARGE", paths: [] }, settled),
  Refusal.operationNotCurrent(settled, "OPERATION_CANCELLED", true),
  Refusal.operationNotCurrent(settled, "OPERATION_RELEASED", true),
  Refusal.operationNotCurrent(settled, "OPERATION_EXPIRED", true),
  Refusal.operationNotCurrent(settled, "OPERATION_UNKNOWN", false)
]

const errorsOf = (tag: string): ReadonlyArray<CheckoutError.CheckoutError> => [
  errors[tag as WireError.Tag],
  ...more.filter(({ _tag }) => _tag === tag)
]

/** The problems of a response, of the tags its schema names, at its status. */
export const problems = (tags: ReadonlyArray<string>, status: number): Named =>
  named(
    tags.flatMap((tag) =>
      tag === "Adapter"
        ? adapterAt(status).map((error) => [error.code, WireError.problemOf(error, status)] as const)
        : errorsOf(tag).map((error) => [tag, WireError.problemOf(error, status)] as const)
    )
  )

/** The errors of the action format at a status: for the whole request, and for one failed input. */
export const actionErrors = (status: number): Named =>
  named([
    ...adapterAt(status).map(({ code, message }) => [code, [{ message, errorCode: code }]] as const),
    ...Object.keys(errors)
      .filter((tag) => WireError.rows[tag as WireError.Tag].status === status)
      .flatMap(errorsOf)
      .map((error) => [error._tag, [failedElement("updateCheckoutSessionAction", error)]] as const)
  ])
