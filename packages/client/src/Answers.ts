/**
 * Answers: parses the server's answers from JSON: sessions, history, and the errors in problem bodies. An invalid
 * answer becomes `StorageUnavailable`, whose `applied` is the call's `Doubt`.
 */
import type { CheckoutError, StorageUnavailable } from "./CheckoutError.js"
import { flag, instant, list, number, object, oneOf, orNull, type Read, struct, text, whole } from "./Shape.js"

const textOrNull = orNull(text)

const sessionShape = struct({
  id: text,
  cartId: text,
  storeId: text,
  accountId: text,
  ownerId: text,
  state: text,
  nextState: textOrNull,
  isProcessing: flag,
  isError: flag,
  isArchived: flag,
  closedBy: textOrNull,
  operationId: textOrNull,
  workKey: textOrNull,
  orderId: textOrNull,
  version: whole,
  lastRequestId: textOrNull,
  createdAt: instant,
  updatedAt: instant,
  expiresAt: orNull(instant),
  data: orNull(object)
})

/** A session. */
export const session: Read<any> = sessionShape

/** One committed change. */
export const entry: Read<any> = struct({
  version: whole,
  type: text,
  at: instant,
  from: textOrNull,
  to: textOrNull,
  requestId: textOrNull,
  operationId: textOrNull,
  workKey: textOrNull,
  orderId: textOrNull,
  by: textOrNull,
  reason: textOrNull,
  cause: orNull(struct({ code: text, message: text })),
  cartChanged: flag,
  passedThrough: list(text),
  followUp: orNull(struct({ operationId: text, workKey: text, nextState: text })),
  data: orNull(object)
})

/** Answer to open. */
export const opened: Read<any> = struct({
  requestId: text,
  created: flag,
  replayed: flag,
  session: sessionShape
})

/** Answer to update. */
export const updated: Read<any> = struct({ requestId: text, replayed: flag, session: sessionShape })

/** Answer to cancel. */
export const cancelled: Read<any> = struct({ requestId: text, replayed: flag, session: orNull(sessionShape) })

/** Answer to the other writing calls. */
export const changed: Read<any> = struct({ replayed: flag, session: sessionShape })

/** Answer to find. */
export const found: Read<any> = struct({
  session: orNull(sessionShape),
  closed: orNull(struct({ checkoutSessionId: text, closedBy: text, orderId: textOrNull, closedAt: orNull(instant) }))
})

const entries = struct({ entries: list(entry) })

/** A page of history. */
export const history: Read<any> = (value) => entries(value).entries

const current = struct({
  state: text,
  version: whole,
  nextState: textOrNull,
  isProcessing: flag,
  isArchived: flag,
  orderId: textOrNull,
  lastRequestId: textOrNull
})
const fields = list(text)

/** The members of errors, besides the common ones. */
const members: Readonly<Record<string, Readonly<Record<string, Read<unknown>>>>> = {
  InvalidInput: { fields },
  InvalidState: { fields },
  IdempotencyConflict: { requestId: text },
  SessionClosed: { checkoutSessionId: text, orderId: textOrNull, current: orNull(current) },
  CartNotUpdatable: { cartStatus: text, current: orNull(current) },
  StateRetired: { current },
  ExpectedStateMismatch: { current },
  SessionProcessing: { retryAfterMillis: number, current },
  TransitionNotAllowed: { allowed: fields, current },
  InvalidData: { paths: fields, current: orNull(current) },
  OperationNotCurrent: { recorded: flag, current },
  VersionAhead: { current },
  Overloaded: { retryAfterMillis: number },
  StorageUnavailable: { retryAfterMillis: number, applied: oneOf("no", "unknown") }
}
const base = { _tag: text, message: text, reason: text, retryable: flag, applied: oneOf("no") }

// An unknown error of a later server is passed on as it is.
const problem = (given: Readonly<Record<string, unknown>>): CheckoutError => {
  const tag = text(given._tag)
  return struct({ ...base, ...(Object.hasOwn(members, tag) && members[tag]) })({
    ...given,
    message: given.detail
  }) as CheckoutError
}

/** Whether the call may have been applied if there is no readable answer: `"no"` for reads. */
export type Doubt = "no" | "unknown"

/** An error without a decision. */
export const unavailable = (reason: string, message: string, applied: Doubt): StorageUnavailable => ({
  _tag: "StorageUnavailable",
  message,
  retryable: true,
  applied,
  reason,
  retryAfterMillis: 100
})

/** The error for an answer that is not valid. */
export const unreadable = (doubt: Doubt): StorageUnavailable =>
  unavailable("UNREADABLE_ANSWER", "The answer is not one of this service", doubt)

/** The error for a broken connection. */
export const lost = (doubt: Doubt): StorageUnavailable =>
  unavailable("CONNECTION_LOST", "The connection broke before the answer", doubt)

/** The error for a token that the server, or a gateway in front of it, refused, or that is not available. */
export const notAuthenticated = (
  reason: "TOKEN_REFUSED" | "TOKEN_UNAVAILABLE",
  message = "The server did not take the token."
): CheckoutError => ({
  _tag: "NotAuthenticated",
  message,
  reason,
  retryable: reason === "TOKEN_UNAVAILABLE",
  applied: "no"
})

/** The error for an input that is refused before anything is sent, as the server would refuse it. */
export const invalidInput = (fields: ReadonlyArray<string>, message: string, isMissing = false): CheckoutError => ({
  _tag: "InvalidInput",
  message,
  reason: isMissing ? "REQUIRED_FIELD_MISSING" : "INVALID_INPUT",
  fields,
  retryable: false,
  applied: "no"
})

/** Reads JSON, or throws. */
export const parse = <A>(body: string, read: Read<A>): A => read(JSON.parse(body))

/**
 * Parses the error in a body. A refusal by the HTTP layer, or a 401 by a gateway in front of it, was certainly not
 * applied.
 */
export const errorOf = (answered: number, body: string, doubt: Doubt): CheckoutError => {
  try {
    const given = parse(body, object)
    if (given._tag !== "AdapterError") return problem(given)
    const detail = text(given.detail)
    if (given.status === 401) return notAuthenticated("TOKEN_REFUSED", detail)
    if (given.applied === "no")
      return given.status === 400 || given.status === 413
        ? invalidInput([], detail)
        : unavailable(text(given.code), detail, "no")
  } catch {
    if (answered === 401) return notAuthenticated("TOKEN_REFUSED")
  }
  return unreadable(doubt)
}
