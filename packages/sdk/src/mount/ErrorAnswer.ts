/**
 * ErrorAnswer: an error of a checkout as an HTTP answer, for hosts with routes of their own: the status, the headers
 * and the problem body (RFC 9457) of our own HTTP API. Any other error is a 500 that does not show it.
 */
import type * as CheckoutError from "@onelane/checkout/CheckoutError"
import { SessionEvents, WireAnswer, WireError } from "@onelane/http"
import { type Aborted, OnelaneError } from "../door/Result.js"

/** An HTTP answer as plain values. */
export interface ErrorAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** The problem as JSON text; `content-type` names it. */
  readonly body: string
}

/** The host's data of the failed request. */
export interface ErrorOptions {
  /** The version that the client sent as `If-Match`: a session at another one is answered 412, not 409. */
  readonly ifMatch?: number | undefined
}

const isOfUs = (error: object): error is CheckoutError.CheckoutError =>
  "_tag" in error && typeof error._tag === "string" && Object.hasOwn(WireError.rows, error._tag)

const isAborted = (error: object): error is Aborted => "_tag" in error && error._tag === "Aborted"

/** The typed error in an answer or a thrown value; null if there is none. */
export const errorIn = (given: unknown): CheckoutError.CheckoutError | Aborted | null => {
  // Also by its name: a bundler may have included the class twice.
  const { error, name } = Object(given) as Partial<OnelaneError>
  const found: unknown = given instanceof OnelaneError || name === "OnelaneError" ? error : given
  if (typeof found !== "object" || found === null) return null
  if ("_tag" in found && found._tag === "Closed") return SessionEvents.draining
  return isOfUs(found) || isAborted(found) ? found : null
}

// Our HTTP API never sends it: the client has disconnected, or the host's own timeout is over.
const aborted = ({ message, ...rest }: Aborted): WireAnswer.WireAnswer => {
  const problem = { type: "urn:onelane:problem:aborted", title: "The call was aborted", status: 503, detail: message }
  const body = JSON.stringify({ ...problem, code: "SERVER_UNAVAILABLE", ...rest })
  return WireAnswer.make(503, "application/problem+json", body, { "retry-after": "1" })
}

/**
 * The HTTP answer to an error: one of a result (`answer.error`), an `OnelaneError` that was thrown, or anything else in
 * a `catch`, which is a 500 that does not show it.
 */
export const toHttp = (error: unknown, { ifMatch }: ErrorOptions = {}): ErrorAnswer => {
  const found = errorIn(error) ?? WireError.defect("unknown")
  const { body, headers, status } = found._tag === "Aborted" ? aborted(found) : WireError.problem(found, ifMatch)
  return { status, headers: { ...headers }, body: body as string }
}
