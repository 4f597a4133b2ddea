/**
 * Inputs: encodes the input of a call: ids as path segments, the rest as JSON or as a query. Inputs that no request can
 * carry are refused here, as the server would refuse them; the server validates everything else.
 */
import { invalidInput } from "./Answers.js"
import { OnelaneError } from "./OnelaneError.js"

const idMaxLength = 255

/**
 * A malformed id, sent instead of an id that no URL can carry, so that the server refuses it in its own order of
 * checks.
 */
const malformed = "%00"

/** An id as a path segment. Throws an `OnelaneError` for a missing one and for a wrong type. */
export const segment = (input: object, name: string): string => {
  const value = (input as Readonly<Record<string, unknown>>)[name]
  if (value === undefined || value === null)
    throw new OnelaneError(invalidInput([name], `Required input missing: ${name}.`, true))
  if (typeof value !== "string") throw new OnelaneError(invalidInput([name], `${name} must be text.`))
  const isSendable = value !== "" && value.length <= idMaxLength && value !== "." && value !== ".." && isWhole(value)
  return isSendable ? encodeURIComponent(value) : malformed
}

const isWhole = (text: string): boolean => !/\p{Surrogate}/u.test(text)

/** The inputs that are not in the path, as a query. */
export const query = (input: object, ...inPath: ReadonlyArray<string>): string => {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(input))
    if (value !== undefined && !inPath.includes(name)) search.set(name, String(value))
  const text = search.toString()
  return text === "" ? "" : `?${text}`
}

/**
 * The inputs that are not in the path, as JSON. JSON has no NaN and no Infinity: they are sent as text, which the
 * server refuses. Throws an `OnelaneError` for `data` that JSON would change.
 */
export const body = (input: object, ...inPath: ReadonlyArray<string>): string => {
  const rest = Object.fromEntries(Object.entries(input).filter(([name]) => !inPath.includes(name)))
  const { data } = rest
  if (data !== undefined && data !== null && (typeof data !== "object" || Array.isArray(data) || !isJson(data)))
    throw new OnelaneError(invalidInput(["data"], "data must be a JSON object, a merge patch."))
  return JSON.stringify(rest, (_, value) =>
    typeof value === "bigint" || (typeof value === "number" && !Number.isFinite(value)) ? String(value) : value
  )
}

/** Deeper than any server accepts; the server returns the error. */
const depthMax = 64

/** Whether JSON represents this value exactly. */
const isJson = (value: unknown, depth = 0): boolean => {
  if (typeof value === "string") return isWhole(value)
  if (typeof value !== "object") return typeof value === "boolean" || Number.isFinite(value)
  if (value === null) return true
  const prototype: unknown = Object.getPrototypeOf(value)
  const isList = Array.isArray(value)
  const isPlain = isList || prototype === null || Object.getPrototypeOf(prototype) === null
  const names = Object.keys(value)
  return (
    depth < depthMax &&
    isPlain &&
    Reflect.ownKeys(value).length === names.length + (isList ? 1 : 0) &&
    (!isList || names.length === value.length) &&
    names.every(
      (name) =>
        name !== "__proto__" && isWhole(name) && isJson((value as Readonly<Record<string, unknown>>)[name], depth + 1)
    )
  )
}
