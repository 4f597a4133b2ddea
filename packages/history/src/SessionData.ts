/**
 * SessionData: the data of a session in the model: canonical JSON text, null if there is none, undefined if unknown.
 * The merge is implemented independently of the product, so that the check does not share its bugs. Source: RFC 7396
 * (JSON Merge Patch).
 */

/** The data of a session: canonical JSON; null: it has none; undefined: not known. */
export type SessionData = string | null | undefined

/** The canonical text of a JSON value: the members of objects are sorted. */
export const textOf = (value: unknown): string => JSON.stringify(sorted(value))

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const sorted = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(sorted)
  if (!isObject(value)) return value
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((name) => [name, sorted(value[name])])
  )
}

const merged = (target: unknown, patch: unknown): unknown => {
  if (!isObject(patch)) return patch
  const result = new Map(Object.entries(isObject(target) ? target : {}))
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) result.delete(name)
    else result.set(name, merged(result.get(name), value))
  }
  return Object.fromEntries(result)
}

/** The data after a patch; undefined leaves it unchanged. */
export const patched = (data: SessionData, patch: unknown): SessionData =>
  patch === undefined || data === undefined ? data : textOf(merged(data === null ? {} : JSON.parse(data), patch))
