/**
 * Cors: lets pages of the configured origins call from a browser. Off by default; a wildcard is not allowed.
 */
import * as Exit from "effect/Exit"
import * as WireError from "../contract/WireError.js"
import type { WireFormat } from "../formats/WireFormat.js"
import * as WireAnswer from "./WireAnswer.js"
import type { WireRequest } from "./WireRequest.js"

const allowed = {
  "access-control-allow-methods": "GET, POST",
  "access-control-allow-headers":
    "Authorization, Content-Type, If-Match, Idempotency-Key, Last-Event-ID, Prefer, Traceparent",
  "access-control-max-age": "600"
}

const readable = {
  "access-control-expose-headers":
    "ETag, Location, Retry-After, Idempotent-Replayed, Preference-Applied, WWW-Authenticate"
}

/** Which pages may call. */
export interface Cors {
  /** Additional headers of the answer to a request. */
  readonly headersFor: (request: WireRequest) => Readonly<Record<string, string>>
  /** Whether a request is a CORS preflight. It needs no token. */
  readonly isPreflight: (request: WireRequest) => boolean
}

const asksFirst = ({ headers, method }: WireRequest): boolean =>
  method === "OPTIONS" && headers["access-control-request-method"] !== undefined

/** Creates it; null if no origins are configured. */
export const make = (origins: ReadonlyArray<string>): Cors | null => {
  if (origins.length === 0) return null
  const named = new Set(origins)
  const isNamed = ({ headers: { origin } }: WireRequest): boolean => origin !== undefined && named.has(origin)
  return {
    headersFor: (request) =>
      isNamed(request)
        ? {
            vary: "Origin",
            "access-control-allow-origin": request.headers.origin!,
            ...(asksFirst(request) ? allowed : readable)
          }
        : { vary: "Origin" },
    isPreflight: (request) => asksFirst(request) && isNamed(request)
  }
}

/** Answers preflight requests. */
export const preflight: WireFormat = {
  isOpen: true,
  route: () => ({ body: "none", run: () => Exit.succeed(WireAnswer.empty(204)) }),
  refuse: (error) => WireError.problem(error)
}
