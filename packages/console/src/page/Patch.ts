/**
 * Patch: what a JSON merge patch changed, member by member. Pure. Source: RFC 7396.
 */

/** A JSON value. */
export type Json = null | boolean | number | string | ReadonlyArray<Json> | JsonObject

/** A JSON object. */
export interface JsonObject {
  readonly [name: string]: Json
}

/** One member that a patch changed. `before` is undefined where there was none, or where nobody knows. */
export interface Change {
  /** A JSON Pointer. */
  readonly path: string
  readonly before: Json | undefined
  /** Undefined: it was removed. */
  readonly after: Json | undefined
}

const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** A value after a patch. */
export const apply = (value: Json | undefined, patch: Json): Json => {
  if (!isObject(patch)) return patch
  const merged: Record<string, Json> = isObject(value) ? { ...value } : {}
  for (const [name, each] of Object.entries(patch)) {
    if (each === null) delete merged[name]
    else merged[name] = apply(Object.hasOwn(merged, name) ? merged[name] : undefined, each)
  }
  return merged
}

const step = (name: string): string => `/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`

/** The members that a patch names, deepest first where it goes into objects. */
export const changes = (value: Json | undefined, patch: JsonObject, path = ""): ReadonlyArray<Change> =>
  Object.entries(patch).flatMap(([name, after]): ReadonlyArray<Change> => {
    const before = isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined
    const at = path + step(name)
    if (isObject(after) && (before === undefined || isObject(before)) && Object.keys(after).length > 0)
      return changes(before, after, at)
    return [{ path: at, before, after: after === null ? undefined : apply(before, after) }]
  })

/** A value as one line, cut where it is long. */
export const line = (value: Json, characters = 120): string => {
  const text = JSON.stringify(value)
  return text.length <= characters ? text : `${text.slice(0, characters - 1)}…`
}
