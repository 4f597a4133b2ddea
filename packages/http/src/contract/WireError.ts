/**
 * WireError: the table of CONTRACT §3, tag → HTTP status and statusCode, row by row, and the two formats of an error:
 * RFC 9457 problem details, which can be parsed back into the same error, and the fields of a failed action.
 *
 * Owns codes and numbers; sentences (message and title) are those of `Refusal`.
 */
import { type CheckoutError, Refusal } from "@onelane/checkout"
import * as ErrorSchema from "@onelane/checkout/CheckoutErrorSchema"
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import * as WireAnswer from "../core/WireAnswer.js"
import { type AdapterError, is as isAdapterError } from "./AdapterError.js"

type AnyError = CheckoutError.CheckoutError

/** The tag of an error of the service. */
export type Tag = AnyError["_tag"]

/** One row: status and code of a tag. */
export interface Row {
  readonly status: number
  readonly code: string
}

/** The table, in the order of the checks. `InvalidInput` has two codes; its reason says which. */
export const rows: { readonly [T in Tag]: Row } = {
  NotAuthenticated: { status: 401, code: "INVALID_SESSION_ID" },
  ActionNotPermitted: { status: 400, code: "BAD_REQUEST" },
  InvalidInput: { status: 400, code: "INVALID_INPUT" },
  InvalidCheckoutSessionId: { status: 403, code: "UNKNOWN_EXCEPTION" },
  InvalidState: { status: 400, code: "INVALID_INPUT" },
  SessionInaccessible: { status: 400, code: "INSUFFICIENT_ACCESS_OR_READONLY" },
  AccountInaccessible: { status: 400, code: "INSUFFICIENT_ACCESS_OR_READONLY" },
  NotStoreMember: { status: 400, code: "INSUFFICIENT_ACCESS_OR_READONLY" },
  IdempotencyConflict: { status: 422, code: "INVALID_INPUT" },
  SessionClosed: { status: 409, code: "INVALID_OPERATION" },
  CartNotUpdatable: { status: 409, code: "INVALID_OPERATION" },
  StateRetired: { status: 409, code: "INVALID_OPERATION" },
  ExpectedStateMismatch: { status: 409, code: "INVALID_INPUT" },
  SessionProcessing: { status: 409, code: "ALREADY_IN_PROCESS" },
  TransitionNotAllowed: { status: 409, code: "INVALID_INPUT" },
  InvalidData: { status: 422, code: "INVALID_INPUT" },
  OperationNotCurrent: { status: 409, code: "INVALID_OPERATION" },
  VersionAhead: { status: 409, code: "INVALID_INPUT" },
  Overloaded: { status: 503, code: "SERVER_UNAVAILABLE" },
  StorageUnavailable: { status: 500, code: "UNKNOWN_EXCEPTION" }
}

/** The title of a problem: the kind of error, whatever its reason. */
export const titleOf = (tag: Tag): string => titles[tag]

const titles = Object.fromEntries(
  Object.entries(Refusal.sentences).map(([tag, sentence]) => [tag, sentence.replace(/\.$/, "")])
) as { readonly [T in Tag]: string }

/** The statusCode of an error. */
export const codeOf = (error: AnyError | AdapterError): string =>
  isAdapterError(error) ? error.code : error._tag === "InvalidInput" ? error.reason : rows[error._tag].code

/**
 * The HTTP status of an error. `ifMatch`: the version sent as `If-Match`; if the session is at another version, the
 * status is 412 (precondition failed) instead of 409.
 */
export const statusOf = (error: AnyError | AdapterError, ifMatch?: number): number => {
  if (isAdapterError(error)) return error.status
  return error._tag === "ExpectedStateMismatch" && ifMatch !== undefined && error.current.version !== ifMatch
    ? 412
    : rows[error._tag].status
}

/** The header `Retry-After` in whole seconds, if the error has a delay. */
export const retryAfter = (millis: number | undefined): Readonly<Record<string, string>> =>
  millis === undefined || millis <= 0 ? {} : { "retry-after": String(Math.ceil(millis / 1000)) }

/** How long to wait before a retry, milliseconds; undefined if the error does not say. */
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
  const headers = isAdapterError(error) ? error.headers : headersOf(error)
  return WireAnswer.make(status, problemType, JSON.stringify(problemOf(error, status)), headers)
}

const headersOf = (error: AnyError): Readonly<Record<string, string>> =>
  error._tag === "NotAuthenticated"
    ? { "www-authenticate": 'Bearer error="invalid_token"' }
    : retryAfter(retryAfterMillisOf(error))

const problemType = "application/problem+json"

const typeOf = (error: AnyError | AdapterError): string =>
  isAdapterError(error)
    ? `urn:onelane:problem:${error.code.toLowerCase().replaceAll("_", "-")}`
    : `urn:onelane:problem:${error._tag.replace(/(?!^)[A-Z]/g, "-$&").toLowerCase()}`

/** The members of a problem body; the error's own fields are added to the five of the standard. */
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
  return { type, title: titleOf(error._tag), status, detail: message, code: codeOf(error), ...rest }
}

const decodeError = Schema.decodeUnknownEither(ErrorSchema.CheckoutError)

/** Reads a problem body back into the error it was made from; null if it is not an error of the service. */
export const fromProblem = (body: unknown): AnyError | null => {
  if (typeof body !== "object" || body === null || !("detail" in body)) return null
  return Either.getOrNull(decodeError({ ...body, message: body.detail }))
}
