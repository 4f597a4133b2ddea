/**
 * MergePatch: changes to a session's data, as JSON merge patches (RFC 7396): a member that is an object changes the
 * member of that name, null removes it, and anything else replaces it. Pure.
 *
 * `take` copies a patch. A patch that is no JSON, too large or too deep becomes a fault, which a later step turns into
 * a refusal.
 */
import { JsonFault, type JsonObject, type JsonValue, read } from "./Json.js"

/** Most bytes of a patch and of a session's data, as JSON in UTF-8: 1 MiB. */
export const maxBytes = 1_048_576

/** A copied patch, or its fault. */
export type Taken = JsonObject | JsonFault

/** Marks data in a call that takes none: refused like an unknown input. */
export const foreign = new JsonFault("NO_JSON", "", "no input")

// The copies made here, and their bytes. A copy is not taken twice.
const taken = new WeakMap<JsonObject, number>()

/** Copies a patch. Undefined and null are returned as they are; anything else becomes a copy or a fault. */
export const take = (given: unknown): Taken | undefined | null => {
  if (given === undefined || given === null || given instanceof JsonFault) return given
  if (typeof given !== "object" || Array.isArray(given)) return new JsonFault("NO_JSON", "", "no object")
  if (taken.has(given as JsonObject)) return given as JsonObject
  const found = read(given, maxBytes)
  if (found instanceof JsonFault) return found
  const patch = found.value as JsonObject
  taken.set(patch, found.bytes)
  return patch
}

/** The size of a copied patch, bytes of its JSON in UTF-8. */
export const bytesOf = (patch: JsonObject): number => taken.get(patch) ?? Buffer.byteLength(JSON.stringify(patch))

/** Whether the result of `take` is a patch, or was refused only for its size or depth. */
export const isPatch = (value: unknown): boolean =>
  value instanceof JsonFault ? value.kind !== "NO_JSON" : typeof value === "object" && value !== null

/** Returns the patched data. Unchanged parts are shared with `before`, so neither may be changed in place. */
export const apply = (before: JsonObject, patch: JsonObject): JsonObject => {
  const merged: { [name: string]: JsonValue } = {}
  for (const name of Object.keys(before))
    if (!Object.hasOwn(patch, name)) merged[name] = before[name]!
    else {
      const next = valueAfter(before[name]!, patch[name]!)
      if (next !== null) merged[name] = next
    }
  for (const name of Object.keys(patch)) {
    if (Object.hasOwn(before, name)) continue
    const next = valueAfter(null, patch[name]!)
    if (next !== null) merged[name] = next
  }
  return merged
}

const isObject = (value: JsonValue): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value)

// Null: the member is removed.
const valueAfter = (before: JsonValue, patch: JsonValue): JsonValue =>
  isObject(patch) ? apply(isObject(before) ? before : nothing, patch) : patch

const nothing: JsonObject = Object.freeze({})
