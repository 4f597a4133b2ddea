/**
 * AdapterError: errors of the HTTP layer, raised before the service is called. The request was certainly not applied.
 * Source: CONTRACT §3, step 0. Each format writes them in its own way.
 */

/** A request that never reached the service. `headers` go out with the answer. */
export interface AdapterError {
  readonly _tag: "AdapterError"
  readonly status: number
  readonly code: string
  readonly message: string
  readonly retryable: boolean
  readonly headers: Readonly<Record<string, string>>
}

const make = (
  status: number,
  code: string,
  message: string,
  headers: Readonly<Record<string, string>> = {}
): AdapterError => ({
  _tag: "AdapterError",
  status,
  code,
  message,
  retryable: status === 503 || status === 429 || status === 408,
  headers
})

/** No token; signing in can help. */
export const tokenMissing = make(401, "INVALID_SESSION_ID", "A bearer token is required", {
  "www-authenticate": "Bearer"
})

/** The host knows no caller for the request; signing in can help. */
export const callerUnknown = make(401, "INVALID_SESSION_ID", "Sign in, then call again", {
  "www-authenticate": "Bearer"
})

/**
 * A refused token. `final`: it can never become valid; the message then contains the sentence that stops vendor clients
 * from renewing the session in a loop.
 */
export const tokenRefused = (final: boolean): AdapterError =>
  make(
    401,
    "INVALID_SESSION_ID",
    final ? "This session is not valid for use with the REST API" : "Session expired or invalid",
    { "www-authenticate": 'Bearer error="invalid_token"' }
  )

/** The identity provider gave no answer. */
export const authenticationUnavailable = make(503, "SERVER_UNAVAILABLE", "Tokens cannot be checked right now", {
  "retry-after": "1"
})

/** No such path. Paths are exact: case, slashes and escapes count. */
export const notFound = make(404, "NOT_FOUND", "The requested resource does not exist")

/** The path exists, the method does not. */
export const methodNotAllowed = (allowed: ReadonlyArray<string>): AdapterError =>
  make(405, "METHOD_NOT_ALLOWED", `Allowed here: ${allowed.join(", ")}`, { allow: allowed.join(", ") })

/** The `Content-Type` of the body is not JSON. */
export const unsupportedMediaType = make(415, "UNSUPPORTED_MEDIA_TYPE", "Send the body as application/json", {
  accept: "application/json"
})

/** The body is not JSON, or not the JSON this path takes. */
export const malformedBody = (why: string): AdapterError => make(400, "JSON_PARSER_ERROR", why)

/** The body was cut off. */
export const bodyBroken = malformedBody("The body could not be read")

/** The body is not UTF-8. */
export const bodyNotUtf8 = malformedBody("The body is not valid UTF-8")

/** The host has consumed the body and kept nothing of it: a fault of the host, not of the client. */
export const bodyTaken = make(
  500,
  "UNKNOWN_EXCEPTION",
  "The body was read before Onelane saw the request: mount Onelane in front of body parsers, or leave the parsed body as request.body"
)

/** The HTTP version is not supported. */
export const versionNotSupported = make(505, "HTTP_VERSION_NOT_SUPPORTED", "Use HTTP/1.1")

/** A transfer coding other than chunked. */
export const codingNotImplemented = make(501, "NOT_IMPLEMENTED", "The only transfer coding taken is chunked")

/** The bytes are not an HTTP request. */
export const malformedRequest = make(400, "MALFORMED_REQUEST", "These bytes are no HTTP/1.1 request")

/** The request did not arrive in time. */
export const requestTimeout = make(408, "REQUEST_TIMEOUT", "The request took too long to arrive")

/** Headers over the limit. */
export const headersTooLong = make(431, "LIMIT_EXCEEDED", "The headers are too long")

/** Extensions of chunks over the limit. */
export const chunkExtensionsTooLong = make(413, "LIMIT_EXCEEDED", "The chunk extensions are too long")

/** A body over the limit. */
export const bodyTooLarge = (maxBytes: number): AdapterError =>
  make(413, "LIMIT_EXCEEDED", `A body has at most ${maxBytes} bytes`)

/** A body so far over the limit that the rest is not read and the connection is closed. */
export const bodyFarTooLarge = (maxBytes: number): AdapterError => ({
  ...bodyTooLarge(maxBytes),
  headers: { connection: "close" }
})

/** Something else over its limit. */
export const limitExceeded = (message: string): AdapterError => make(400, "LIMIT_EXCEEDED", message)

const wait = (millis: number) => ({ "retry-after": String(Math.max(1, Math.ceil(millis / 1_000))) })

/** The caller exceeded its rate limit; it may retry after `waitMillis`. */
export const tooManyCalls = (waitMillis: number): AdapterError =>
  make(429, "REQUEST_LIMIT_EXCEEDED", "This caller sends too many requests", wait(waitMillis))

/** The caller has too many open event streams. */
export const tooManyStreams = (maxCount: number): AdapterError =>
  make(429, "REQUEST_LIMIT_EXCEEDED", `A caller has at most ${maxCount} event streams open`, wait(1_000))

/** A connection sends more requests without waiting for the answers. */
export const tooManyUnanswered = (maxCount: number): AdapterError =>
  make(503, "SERVER_UNAVAILABLE", `A connection has at most ${maxCount} unanswered requests`, wait(1_000))

/** The server is overloaded: too many requests, or too many bytes of bodies, at once. */
export const overloaded = make(503, "SERVER_UNAVAILABLE", "Too much is being asked right now", wait(1_000))

/** A header that cannot be parsed, or contradicts the path or the body. */
export const contradiction = (message: string): AdapterError => make(400, "INVALID_INPUT", message)

/** Whether `value` came from the adapter. */
export const is = (value: object): value is AdapterError => "_tag" in value && value._tag === "AdapterError"
