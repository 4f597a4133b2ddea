/**
 * Unsent: detects by the system's error code that a connection was never made, so nothing was sent. Browsers do not say
 * why `fetch` failed; Node does.
 */
import * as Answers from "./Answers.js"
import type { StorageUnavailable } from "./CheckoutError.js"

const codes = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "UND_ERR_CONNECT_TIMEOUT", "ERR_INVALID_URL"])

/** Codes that mean "never connected" only when `connect` failed: a live connection can end with them, too. */
const unreachableCodes = new Set(["EHOSTUNREACH", "ENETUNREACH", "ETIMEDOUT"])

const causesMax = 8

/** Whether nothing was sent, by an error code somewhere in the chain of causes. */
const isUnsent = (error: unknown): boolean => {
  let cause = error as
    | { readonly code?: unknown; readonly syscall?: unknown; readonly cause?: unknown }
    | null
    | undefined
  for (let depth = 0; depth < causesMax && typeof cause === "object" && cause !== null; depth++) {
    const code = String(cause.code)
    if (codes.has(code) || (unreachableCodes.has(code) && cause.syscall === "connect")) return true
    cause = cause.cause as typeof cause
  }
  return false
}

/** The error for a failed `fetch`. */
export const lost = (doubt: Answers.Doubt, error: unknown): StorageUnavailable =>
  isUnsent(error) ? Answers.unavailable("CONNECTION_REFUSED", "No connection to the server", "no") : Answers.lost(doubt)
