/**
 * WireRequest: one request as every format sees it, whatever the listener, and the checks of step 0: path, media type,
 * depth, JSON. Each check fails with an `AdapterError`.
 *
 * Names are exact: a path is compared byte by byte, case and slashes included; only parameters are percent-decoded.
 */
import * as Either from "effect/Either"
import * as AdapterError from "../contract/AdapterError.js"
import type { HttpLimits } from "./HttpLimits.js"
import type { Mounted } from "./Mounting.js"

/** A request. `path` and `query` are as sent; header names are lower-case. */
export interface WireRequest {
  readonly method: string
  readonly path: string
  readonly query: string
  readonly headers: Readonly<Record<string, string | undefined>>
  /** Reads the body, up to a limit, and passes it on: at once, later, or never if the client leaves first. */
  readonly read: (maxBytes: number, onBody: OnBody) => void
  /** The host's data of the request, if the core is mounted in a host's server. */
  readonly mounted?: Mounted | undefined
}

/** How much of a body over the limit is read and dropped, as a multiple of the limit; then the connection is closed. */
export const droppedTimes = 4

/** Whether so much of a body is still to come that the server does not read it to its end. */
export const hasMuchToDrop = ({ headers }: WireRequest, maxBytes: number): boolean =>
  headers["transfer-encoding"] !== undefined || Number(headers["content-length"]) > droppedTimes * maxBytes

/** Receives a body as text, or the error. */
export type OnBody = (body: string | AdapterError.AdapterError) => void

/** A body as text. **Errors**: 400 if it is not UTF-8. */
export const decoded = (chunks: ReadonlyArray<Uint8Array>): string | AdapterError.AdapterError => {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })
  try {
    return chunks.map((chunk) => decoder.decode(chunk, { stream: true })).join("") + decoder.decode()
  } catch {
    return AdapterError.bodyNotUtf8
  }
}

/** Splits a request target into path and query; accepts the absolute form, too. */
export const splitTarget = (target: string): { readonly path: string; readonly query: string } => {
  const relative = target.startsWith("/") ? target : target.replace(/^https?:\/\/[^/?#]*/i, "")
  const mark = relative.indexOf("?")
  return mark < 0 ? { path: relative, query: "" } : { path: relative.slice(0, mark), query: relative.slice(mark + 1) }
}

/** The prefix of our paths in links. */
export const baseOf = ({ mounted }: WireRequest): string => (mounted === undefined ? "" : mounted.base)

/** The token of `Authorization: Bearer …`; undefined if there is none. */
export const bearerOf = (request: WireRequest): string | undefined =>
  /^Bearer +([^\s,]+) *$/i.exec(request.headers.authorization ?? "")?.[1]

/** One path of the API: `/v1/checkout-sessions/:checkoutSessionId`. */
export interface Route<Name extends string> {
  readonly name: Name
  readonly method: string
  readonly segments: ReadonlyArray<string>
}

/** Creates a route from its pattern. */
export const route = <Name extends string>(name: Name, method: string, pattern: string): Route<Name> => ({
  name,
  method,
  segments: pattern.split("/")
})

/** A matched route with decoded parameters. */
export interface Match<Name extends string> {
  readonly name: Name
  readonly params: Readonly<Record<string, string>>
}

/** A matched route, or an error: unknown path (404), method not allowed (405). */
export type Found<Name extends string> = Match<Name> | AdapterError.AdapterError

/** Finds the route of a request. `HEAD` matches like `GET`. */
export const match = <Name extends string>(routes: ReadonlyArray<Route<Name>>, request: WireRequest): Found<Name> => {
  const segments = request.path.split("/")
  const method = request.method === "HEAD" ? "GET" : request.method
  const allowed: Array<string> = []
  for (const candidate of routes) {
    const params = paramsOf(candidate.segments, segments)
    if (params === null) continue
    if (candidate.method === method) return { name: candidate.name, params }
    allowed.push(candidate.method)
  }
  return allowed.length === 0 ? AdapterError.notFound : AdapterError.methodNotAllowed(allowed)
}

const paramsOf = (
  pattern: ReadonlyArray<string>,
  segments: ReadonlyArray<string>
): Readonly<Record<string, string>> | null => {
  if (pattern.length !== segments.length) return null
  const params: Record<string, string> = {}
  for (const [index, expected] of pattern.entries()) {
    const segment = segments[index]!
    if (!expected.startsWith(":")) {
      if (expected !== segment) return null
      continue
    }
    const value = percentDecoded(segment)
    if (value === null || value === "") return null
    params[expected.slice(1)] = value
  }
  return params
}

/**
 * Finds routes like `match`, faster for paths without percent-encoding (one pattern per route). `HEAD` matches like
 * `GET`.
 */
export const router = <Name extends string>(
  routes: ReadonlyArray<Route<Name>>
): ((request: WireRequest) => Found<Name>) => {
  const patterns = routes.map((one) => ({ ...one, ...patternOf(one) }))
  return (request) => {
    const method = request.method === "HEAD" ? "GET" : request.method
    for (const { method: expected, name, names, pattern } of patterns) {
      const found = expected === method ? pattern.exec(request.path) : null
      if (found === null) continue
      const params: Record<string, string> = {}
      for (let index = 0; index < names.length; index++) params[names[index]!] = found[index + 1]!
      return { name, params }
    }
    return match(routes, request)
  }
}

const patternOf = ({ segments }: Route<string>) => {
  const names = segments.filter((segment) => segment.startsWith(":")).map((segment) => segment.slice(1))
  const parts = segments.map((segment) =>
    segment.startsWith(":") ? "([^/%]+)" : segment.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")
  )
  return { names, pattern: new RegExp(`^${parts.join("/")}$`) }
}

const percentDecoded = (text: string): string | null => {
  if (!text.includes("%")) return text
  try {
    return decodeURIComponent(text)
  } catch {
    return null
  }
}

/** Whether a query is percent-encoded UTF-8: anything else would silently become other text. */
export const isDecodable = (query: string): boolean => percentDecoded(query) !== null

/**
 * Query parameters as an input object: whole numbers as numbers, a repeated name as a list (which the service refuses).
 */
export const queryInput = (query: string): Readonly<Record<string, unknown>> => {
  const input: Record<string, unknown> = Object.create(null)
  for (const [name, value] of new URLSearchParams(query)) {
    const parsed = numberOrText(value)
    input[name] = name in input ? [input[name], parsed] : parsed
  }
  return input
}

/** Whole numbers as numbers, anything else unchanged. */
export const numberOrText = (text: string): number | string => (/^-?\d{1,15}$/.test(text) ? Number(text) : text)

/**
 * Whether a JSON body must be read. With `optional`, a request without a body and without a media type has none.
 *
 * **Errors**: 415 media type.
 */
export const hasBody = (request: WireRequest, optional: boolean): boolean | AdapterError.AdapterError => {
  if (isJson(request)) return true
  const { "content-type": mediaType, "content-length": length, "transfer-encoding": chunked } = request.headers
  const isEmpty = mediaType === undefined && chunked === undefined && (length ?? "0") === "0"
  return optional && isEmpty ? false : AdapterError.unsupportedMediaType
}

/** Whether the media type is JSON. */
export const isJson = ({ headers }: WireRequest): boolean =>
  headers["content-encoding"] === undefined &&
  (headers["content-type"] === "application/json" ||
    /^application\/json *(; *charset="?utf-8"? *)?$/i.test(headers["content-type"] ?? ""))

/** A body as a JSON object. **Errors**: 400 depth, 400 not a JSON object; in this order. */
export const parseObject = (
  text: string,
  { jsonMaxDepth: maxDepth, jsonValuesMaxCount: maxCount }: HttpLimits
): Either.Either<Readonly<Record<string, unknown>>, AdapterError.AdapterError> => {
  const excess = excessOf(text, maxDepth, maxCount)
  if (excess !== null) return Either.left(AdapterError.limitExceeded(excess))
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return Either.left(AdapterError.malformedBody("The body is not valid JSON"))
  }
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? Either.right(value as Record<string, unknown>)
    : Either.left(AdapterError.malformedBody("The body must be a JSON object"))
}

/**
 * The limit a body exceeds (nesting depth or number of values), or null. Counts brackets and commas outside strings
 * before parsing, which costs a hundred times as much.
 */
const excessOf = (text: string, maxDepth: number, maxCount: number): string | null => {
  let depth = 0
  let count = 1
  let quoted = false
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (quoted) {
      if (code === 0x5c) index++
      else if (code === 0x22) quoted = false
    } else if (code === 0x22) quoted = true
    else if (code === 0x7b || code === 0x5b) {
      if (++depth > maxDepth) return `A body nests at most ${maxDepth} levels deep`
      if (++count > maxCount) return `A body has at most ${maxCount} values`
    } else if (code === 0x2c) {
      if (++count > maxCount) return `A body has at most ${maxCount} values`
    } else if (code === 0x7d || code === 0x5d) depth--
  }
  return null
}
