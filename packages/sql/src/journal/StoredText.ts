/**
 * StoredText: opaque ids as database text. SQLite drivers cut text at a NUL, PostgreSQL refuses one, and neither holds
 * half a surrogate pair; such characters (and `%`, which marks them) are stored escaped, so that no two ids ever meet.
 */

const awkward = /[\0%\p{Surrogate}]/gu
/** Also true of whole pairs, which are stored as they are: it only has to be quick for ids that have none. */
const mayBeAwkward = /[\0%\ud800-\udfff]/
const escaped = /%([0-9a-f]{4})/g

/** An id as it is stored; most are stored as they are. */
export const escape = (id: string): string =>
  mayBeAwkward.test(id)
    ? id.replace(awkward, (character) => `%${character.charCodeAt(0).toString(16).padStart(4, "0")}`)
    : id

/** The id that was stored. */
export const unescape = (stored: string): string =>
  stored.includes("%")
    ? stored.replace(escaped, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
    : stored
