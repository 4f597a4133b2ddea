/**
 * Json: reads JSON values from a caller's input: copies, measures and limits them in one pass, without running the
 * caller's code. Pure.
 *
 * Owns what counts as JSON, and its limits of depth and size. Does not own the meaning of a value (MergePatch,
 * DataSchema).
 */
import { isProxy } from "node:util/types"
import { cut } from "./PlainText.js"

/** A JSON value. */
export type JsonValue = string | number | boolean | null | ReadonlyArray<JsonValue> | JsonObject

/** A JSON object. */
export interface JsonObject {
  readonly [name: string]: JsonValue
}

/** Most levels of nested objects and lists, the outermost included. */
export const depthMax = 32

/** Why a value is refused: it is no JSON, too large or too deep. */
export class JsonFault {
  constructor(
    readonly kind: "NO_JSON" | "TOO_LARGE" | "TOO_DEEP",
    /** Where, as a JSON Pointer; never a value. */
    readonly path: string,
    /** What is there: `a function`. */
    readonly found: string
  ) {}
}

/** A copy, and the bytes of its JSON in UTF-8. */
export interface Read {
  readonly value: JsonValue
  readonly bytes: number
}

interface Walk {
  /** Bytes that are left. */
  left: number
  readonly path: Array<PropertyKey>
}

/**
 * Copies a value, or returns its fault: not JSON (a getter, a class instance, `undefined`, `NaN`, a lone surrogate, the
 * name `__proto__`), deeper than `depthMax`, or larger than `maxBytes` bytes. It stops at the first fault, so the copy
 * is bounded.
 */
export const read = (value: unknown, maxBytes: number): Read | JsonFault => {
  const walk: Walk = { left: maxBytes, path: [] }
  try {
    return { value: copyIn(value, walk), bytes: maxBytes - walk.left }
  } catch (fault) {
    if (fault instanceof JsonFault) return fault
    return new JsonFault("NO_JSON", pointerOf(walk.path), "an object that cannot be read")
  }
}

const stop = (walk: Walk, kind: JsonFault["kind"], found: string): never => {
  throw new JsonFault(kind, pointerOf(walk.path), found)
}

const spend = (walk: Walk, bytes: number): void => {
  walk.left -= bytes
  if (walk.left < 0) stop(walk, "TOO_LARGE", "too much")
}

const copyIn = (value: unknown, walk: Walk): JsonValue => {
  switch (typeof value) {
    case "string":
      return copyText(value, walk)
    case "boolean":
      spend(walk, value ? 4 : 5)
      return value
    case "number":
      if (!Number.isFinite(value)) stop(walk, "NO_JSON", "a number that is not finite")
      // JSON has no negative zero.
      spend(walk, String(value).length)
      return value === 0 ? 0 : value
    case "object":
      return value === null ? copyNull(walk) : copyObject(value, walk)
    default:
      return stop(walk, "NO_JSON", value === undefined ? "undefined" : `a ${typeof value}`)
  }
}

const copyNull = (walk: Walk): null => {
  spend(walk, 4)
  return null
}

// Text that needs no escapes in JSON and is ASCII.
const plain = /^[ !#-[\]-~]*$/
const halves = /\p{Surrogate}/u

const copyText = (text: string, walk: Walk): string => {
  if (text.length > walk.left) stop(walk, "TOO_LARGE", "too much")
  if (plain.test(text)) spend(walk, text.length + 2)
  else if (halves.test(text)) stop(walk, "NO_JSON", "text with half a character")
  else spend(walk, Buffer.byteLength(JSON.stringify(text)))
  return text
}

const copyObject = (value: object, walk: Walk): JsonValue => {
  if (isProxy(value)) stop(walk, "NO_JSON", "a Proxy")
  if (walk.path.length >= depthMax) stop(walk, "TOO_DEEP", "too deep")
  return Array.isArray(value) ? copyList(value, walk) : copyNamed(value, walk)
}

const copyList = (list: ReadonlyArray<unknown>, walk: Walk): ReadonlyArray<JsonValue> => {
  const { length } = list
  // Each element takes at least one byte, plus a comma or bracket.
  spend(walk, length + 1)
  if (length > walk.left) stop(walk, "TOO_LARGE", "too much")
  if (Reflect.ownKeys(list).length !== length + 1) stop(walk, "NO_JSON", "a list with gaps or names")
  const copy: Array<JsonValue> = []
  for (let index = 0; index < length; index += 1) {
    walk.path.push(index)
    copy.push(copyIn(memberOf(list, index, walk), walk))
    walk.path.pop()
  }
  if (length === 0) spend(walk, 1)
  return copy
}

const copyNamed = (object: object, walk: Walk): JsonObject => {
  if (!isPlain(object)) stop(walk, "NO_JSON", "an instance of a class")
  const names = Reflect.ownKeys(object)
  // Each member takes a name of at least two bytes, a colon, a value, and a comma or bracket.
  spend(walk, names.length + 1)
  if (names.length * 4 > walk.left) stop(walk, "TOO_LARGE", "too much")
  const copy: { [name: string]: JsonValue } = {}
  for (const name of names) {
    walk.path.push(name)
    if (typeof name === "symbol" || name === "__proto__") return stop(walk, "NO_JSON", "a name that is not allowed")
    copyText(name, walk)
    spend(walk, 1)
    copy[name] = copyIn(memberOf(object, name, walk), walk)
    walk.path.pop()
  }
  if (names.length === 0) spend(walk, 1)
  return copy
}

// Reads a member without running a getter.
const memberOf = (object: object, name: PropertyKey, walk: Walk): unknown => {
  const member = Object.getOwnPropertyDescriptor(object, name)
  if (member === undefined || !("value" in member)) return stop(walk, "NO_JSON", "a getter")
  return member.enumerable === true ? member.value : stop(walk, "NO_JSON", "a hidden member")
}

/** Whether a value is an object literal (also of another realm) or an object without a prototype. */
export const isPlain = (value: object): boolean => {
  const prototype: object | null = Object.getPrototypeOf(value)
  return (
    prototype === null ||
    prototype === Object.prototype ||
    (Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, "isPrototypeOf"))
  )
}

/** Copies a JSON value that was read before. */
export const copyOf = <A extends JsonValue>(value: A): A => copyAgain(value) as A

const copyAgain = (value: JsonValue): JsonValue => {
  if (typeof value !== "object" || value === null) return value
  if (Array.isArray(value)) return value.map(copyAgain)
  const copy: { [name: string]: JsonValue } = {}
  for (const name of Object.keys(value)) copy[name] = copyAgain((value as JsonObject)[name]!)
  return copy
}

/** Copies a JSON value that was read before, and counts its bytes; the fault if there are more than `maxBytes`. */
export const measure = (value: JsonValue, maxBytes: number): Read | JsonFault => {
  const walk: Walk = { left: maxBytes, path: [] }
  try {
    return { value: copyKnown(value, walk), bytes: maxBytes - walk.left }
  } catch (fault) {
    if (fault instanceof JsonFault) return fault
    throw fault
  }
}

const copyKnown = (value: JsonValue, walk: Walk): JsonValue => {
  if (typeof value === "string") return copyText(value, walk)
  if (typeof value !== "object" || value === null) {
    spend(walk, String(value).length)
    return value
  }
  if (Array.isArray(value)) {
    spend(walk, Math.max(2, value.length + 1))
    return value.map((member) => copyKnown(member, walk))
  }
  const names = Object.keys(value)
  spend(walk, Math.max(2, names.length * 2 + 1))
  const copy: { [name: string]: JsonValue } = {}
  for (const name of names) {
    copyText(name, walk)
    copy[name] = copyKnown((value as JsonObject)[name]!, walk)
  }
  return copy
}

/** Longest JSON Pointer shown, characters. */
export const pointerMaxLength = 200

/** A path as a JSON Pointer (RFC 6901), cut when it is very long. */
export const pointerOf = (path: ReadonlyArray<PropertyKey>): string =>
  cut(
    path.map((name) => `/${cut(String(name), pointerMaxLength).replace(/~/g, "~0").replace(/\//g, "~1")}`).join(""),
    pointerMaxLength
  )

/** Whether two JSON values are equal; the order of names does not matter. */
export const isSame = (one: JsonValue, other: JsonValue): boolean => {
  if (one === other) return true
  if (typeof one !== "object" || typeof other !== "object" || one === null || other === null) return false
  if (Array.isArray(one) || Array.isArray(other))
    return (
      Array.isArray(one) &&
      Array.isArray(other) &&
      one.length === other.length &&
      one.every((member, index) => isSame(member, other[index]))
    )
  const [first, second] = [one as JsonObject, other as JsonObject]
  const names = Object.keys(first)
  return (
    names.length === Object.keys(second).length &&
    names.every((name) => Object.hasOwn(second, name) && isSame(first[name]!, second[name]!))
  )
}
