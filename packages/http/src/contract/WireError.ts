/**
 * WireError: the table of CONTRACT §3, tag → HTTP status, statusCode and title, row by row, and the two formats in which
 * an error leaves: RFC 9457 problem details, read back into the very same error, and the fields of a failed action.
 *
 * Owns names and numbers; the sentence (`message`) is the error's own.
 */
import type { CheckoutError } from "@onelane/checkout"
import * as ErrorSchema from "@onelane/checkout/CheckoutErrorSchema"
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import * as WireAnswer from "../core/WireAnswer.js"
import { type AdapterError, is as isAdapterError } from "./AdapterError.js"

type AnyError = CheckoutError.CheckoutError

/** The tag of an error of the service. */
export type Tag = AnyError["_tag"]

/** One row: the answer a tag gets. */
export interface Row {
  readonly status: number
  readonly code: string
  readonly title: string
}

/** The table, in the order of the checks. `InvalidInput` has two codes; its reason says which. */
export const rows: { readonly [T in Tag]: Row } = {
  ActionNotPermitted: { status: 400, code: "BAD_REQUEST", title: "The caller may not invoke this action" },
  InvalidInput: { status: 400, code: "INVALID_INPUT", title: "An input is missing or invalid" },
  InvalidCheckoutSessionId: { status: 403, code: "UNKNOWN_EXCEPTION", title: "The checkout session id is malformed" },
  InvalidState: { status: 400, code: "INVALID_INPUT", title: "A state is not valid here" },
  SessionInaccessible: {
    status: 400,
    code: "INSUFFICIENT_ACCESS_OR_READONLY",
    title: "The session does not exist or is not accessible"
  },
  AccountInaccessible: {
    status: 400,
    code: "INSUFFICIENT_ACCESS_OR_READONLY",
    title: "The effective account is invalid or inaccessible"
  },
  NotStoreMember: {
    status: 400,
    code: "INSUFFICIENT_ACCESS_OR_READONLY",
    title: "The account is not a member of the store"
  },
  IdempotencyConflict: { status: 422, code: "INVALID_INPUT", title: "The idempotency key was used for another input" },
  SessionClosed: { status: 409, code: "INVALID_OPERATION", title: "The session is closed" },
  CartNotUpdatable: { status: 409, code: "INVALID_OPERATION", title: "The cart cannot be updated in its status" },
  ExpectedStateMismatch: { status: 409, code: "INVALID_INPUT", title: "The session is not as expected" },
  SessionProcessing: { status: 409, code: "ALREADY_IN_PROCESS", title: "A task of the current state is running" },
  TransitionNotAllowed: { status: 409, code: "INVALID_INPUT", title: "The flow does not allow this transition" },
  OperationNotCurrent: { status: 409, code: "INVALID_OPERATION", title: "The operation is not the running one" },
  Overloaded: { status: 503, code: "SERVER_UNAVAILABLE", title: "Too much work is waiting" },
  StorageUnavailable: { status: 500, code: "UNKNOWN_EXCEPTION", title: "The store gave no answer" }
}

/** The statusCode of an error. */
export const codeOf = (error: AnyError | AdapterError): string =>
  isAdapterError(error) ? error.code : error._tag === "InvalidInput" ? error.reason : rows[error._tag].code

/**
 * The HTTP status of an error. `ifMatch`: the version that came as `If-Match`; where the session is at another one,
 * that precondition failed (412), not the request (409).
 */
export const statusOf = (error: AnyError | AdapterError, ifMatch?: number): number => {
  if (isAdapterError(error)) return error.status
  return error._tag === "ExpectedStateMismatch" && ifMatch !== undefined && error.current.version !== ifMatch
    ? 412
    : rows[error._tag].status
}

/** `Retry-After` in whole seconds, where the error says how long. */
export const retryAfter = (millis: number | undefined): Readonly<Record<string, string>> =>
  millis === undefined || millis <= 0 ? {} : { "retry-after": String(Math.ceil(millis / 1000)) }

/** How long to wait before trying again, where the error says so. */
export const retryAfterMillisOf = (error: AnyError): number | undefined =>
  "retryAfterMillis" in error ? error.retryAfterMillis : undefined

/** The answer to a defect: the cause is in the log, not on the wire. */
export const defect = (applied: "no" | "unknown"): CheckoutError.StorageUnavailable => ({
  _tag: "StorageUnavailable",
  message: "An internal error; its cause is in the server's log",
  retryable: false,
  applied,
  reason: "INTERNAL_ERROR",
  retryAfterMillis: 0
})

/** The error as an RFC 9457 answer. */
export const problem = (error: AnyError | AdapterError, ifMatch?: number): WireAnswer.WireAnswer => {
  const status = statusOf(error, ifMatch)
  const headers = isAdapterError(error) ? error.headers : retryAfter(retryAfterMillisOf(error))
  return WireAnswer.make(status, problemType, JSON.stringify(problemOf(error, status)), headers)
}

const problemType = "application/problem+json"

const typeOf = (error: AnyError | AdapterError): string =>
  isAdapterError(error)
    ? `urn:onelane:problem:${error.code.toLowerCase().replaceAll("_", "-")}`
    : `urn:onelane:problem:${error._tag.replace(/(?!^)[A-Z]/g, "-$&").toLowerCase()}`

/** The members of a problem body; the error's own fields stand beside the five of the standard. */
export type Problem = { readonly status: number; readonly detail: string; readonly code: string } & Readonly<
  Record<string, unknown>
>

/** The body of a problem. */
export const problemOf = (error: AnyError | AdapterError, status: number): Problem => {
  const type = typeOf(error)
  if (isAdapterError(error)) {
    const { _tag, code, message, retryable } = error
    return { type, title: "The request was not taken", status, detail: message, code, _tag, retryable, applied: "no" }
  }
  const { message, ...rest } = error
  return { type, title: rows[error._tag].title, status, detail: message, code: codeOf(error), ...rest }
}

const decodeError = Schema.decodeUnknownEither(ErrorSchema.CheckoutError)

/** Reads a problem body back into the error it was made from; null when it holds none of the service's. */
export const fromProblem = (body: unknown): AnyError | null => {
  if (typeof body !== "object" || body === null || !("detail" in body)) return null
  return Either.getOrNull(decodeError({ ...body, message: body.detail }))
}
