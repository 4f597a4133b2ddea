/**
 * Redacted: texts for people and logs without the passwords of urls. Whatever shows a setting goes through here: a storage may
 * be written as `postgres://user:password@host`, and be mistyped.
 */

// Up to the last "@": passwords may hold almost everything.
const credentials = /([a-z][a-z0-9+.-]*:\/{0,3}[^\s:@/"'`]*):[^\s"'`]*@/gi
const parameters = /([?&\s](?:ssl)?password=)[^&\s"'`]*/gi

/** The text with `…` in place of each password. */
export const text = (shown: string): string => shown.replace(credentials, "$1:…@").replace(parameters, "$1…")

/** An error as a cause: without it, where it would show a password. */
export const cause = (error: unknown): unknown => {
  if (typeof error !== "object" || error === null) return typeof error === "string" ? text(error) : error
  const values = [...Object.values(error), "message" in error ? error.message : "", "stack" in error ? error.stack : ""]
  return values.some((value) => typeof value === "string" && text(value) !== value) ? undefined : error
}
