/**
 * StoredText: opaque ids as database text. SQLite drivers cut text at a NUL, PostgreSQL refuses it, and neither stores
 * half a surrogate pair. Such characters (and `%`, the escape character) are escaped, so that different ids stay
 * different.
 */

const awkward = /[\0%\p{Surrogate}]/gu
/** Also matches whole pairs, which are stored as they are: a fast check for ids without any. */
const mayBeAwkward = /[\0%\ud800-\udfff]/
const escaped = /%([0-9a-f]{4})/g

/** Escapes an id; most stay as they are. */
export const escape = (id: string): string =>
  mayBeAwkward.test(id)
    ? id.replace(awkward, (character) => `%${character.charCodeAt(0).toString(16).padStart(4, "0")}`)
    : id

/** Unescapes a stored id. */
export const unescape = (stored: string): string =>
  stored.includes("%")
    ? stored.replace(escaped, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
    : stored
