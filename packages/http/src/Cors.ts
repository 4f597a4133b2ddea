/**
 * Cors: lets pages of named origins call from a browser. Off unless origins are named; a wildcard is not one of them.
 */
import * as Effect from "effect/Effect"
import * as WireAnswer from "./WireAnswer.js"
import type { WireRequest } from "./WireRequest.js"

const preflight = {
  "access-control-allow-methods": "GET, POST",
  "access-control-allow-headers": "Authorization, Content-Type, If-Match, Idempotency-Key, Last-Event-ID, Traceparent",
  "access-control-max-age": "600"
}

const readable = {
  "access-control-expose-headers": "ETag, Location, Retry-After, Idempotent-Replayed, WWW-Authenticate"
}

/** What answers to a request carry besides; nothing when no origins are named. */
export const headersFor = (
  origins: ReadonlyArray<string>
): ((request: Pick<WireRequest, "headers">) => Readonly<Record<string, string>>) => {
  if (origins.length === 0) return () => none
  const allowed = new Set(origins)
  return ({ headers: { origin } }) =>
    origin !== undefined && allowed.has(origin)
      ? { vary: "Origin", "access-control-allow-origin": origin, ...readable }
      : { vary: "Origin" }
}

const none: Readonly<Record<string, string>> = {}

type Answering<R> = (request: WireRequest) => Effect.Effect<WireAnswer.WireAnswer, never, R>

/** A door that answers preflight requests of these origins, and lets them read its answers. */
export const allow = <R>(origins: ReadonlyArray<string>, door: Answering<R>): Answering<R> => {
  if (origins.length === 0) return door
  const more = headersFor(origins)
  return (request) => {
    const headers = more(request)
    const { vary, "access-control-allow-origin": origin } = headers
    const asks = request.method === "OPTIONS" && request.headers["access-control-request-method"] !== undefined
    if (asks && origin !== undefined) {
      const allowed = { vary: vary!, "access-control-allow-origin": origin, ...preflight }
      return Effect.succeed(add(allowed)(WireAnswer.empty(204)))
    }
    return Effect.map(door(request), add(headers))
  }
}

const add =
  (more: Readonly<Record<string, string>>) =>
  (answer: WireAnswer.WireAnswer): WireAnswer.WireAnswer => ({ ...answer, headers: { ...answer.headers, ...more } })
