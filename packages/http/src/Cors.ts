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

type Answering<R> = (request: WireRequest) => Effect.Effect<WireAnswer.WireAnswer, never, R>

/** A door that answers preflight requests of these origins, and lets them read its answers. */
export const allow = <R>(origins: ReadonlyArray<string>, door: Answering<R>): Answering<R> => {
  if (origins.length === 0) return door
  const allowed = new Set(origins)
  return (request) => {
    const { origin } = request.headers
    if (origin === undefined || !allowed.has(origin)) return Effect.map(door(request), add({ vary: "Origin" }))
    const named = { vary: "Origin", "access-control-allow-origin": origin }
    if (request.method === "OPTIONS" && request.headers["access-control-request-method"] !== undefined) {
      return Effect.succeed(add({ ...named, ...preflight })(WireAnswer.empty(204)))
    }
    return Effect.map(door(request), add({ ...named, ...readable }))
  }
}

const add =
  (more: Readonly<Record<string, string>>) =>
  (answer: WireAnswer.WireAnswer): WireAnswer.WireAnswer => ({ ...answer, headers: { ...answer.headers, ...more } })
