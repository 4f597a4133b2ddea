/**
 * Redacted: removes passwords in URLs from texts for people and logs. Every output of a setting must use it: a storage
 * may be `postgres://user:password@host`, and may be mistyped.
 */

// Up to the last "@": passwords may hold almost everything.
const credentials = /([a-z][a-z0-9+.-]*:\/{0,3}[^\s:@/"'`]*):[^\s"'`]*@/gi
const parameters = /([?&\s](?:ssl)?password=)[^&\s"'`]*/gi

/** The text with each password replaced by `…`. */
export const text = (shown: string): string => shown.replace(credentials, "$1:…@").replace(parameters, "$1…")

/** An error as a cause; undefined if it would show a password. */
export const cause = (error: unknown): unknown => {
  if (typeof error !== "object" || error === null) return typeof error === "string" ? text(error) : error
  const values = [...Object.values(error), "message" in error ? error.message : "", "stack" in error ? error.stack : ""]
  return values.some((value) => typeof value === "string" && text(value) !== value) ? undefined : error
}
