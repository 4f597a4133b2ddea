/**
 * SqliteFailure: what an error of SQLite means for whoever waits. Pure: a code in, a word and `applied` out.
 *
 * One statement is one transaction here, and SQLite takes a failed statement back. Only where the disk itself answered
 * with an error is it open whether the commit is on it: the write-ahead log may hold it, and replay it when opened anew.
 */

/** What became of a statement that failed. `fences` says that the connection must not be used any more. */
export interface SqliteFailure {
  readonly reason: string
  readonly applied: "no" | "unknown"
  readonly fences: boolean
}

/** The cause of every call on a connection after the one that fenced it. */
export const fenced = { code: "ONELANE_FENCED" } as const

/** The cause of a call whose text SQLite would cut off at a NUL. */
export const nulInText = { code: "ONELANE_NUL_IN_TEXT" } as const

const no = (reason: string): SqliteFailure => ({ reason, applied: "no", fences: false })

/** Primary result codes, https://www.sqlite.org/rescode.html */
const byPrimaryCode: ReadonlyMap<number, SqliteFailure> = new Map([
  [5, no("BUSY")],
  [6, no("BUSY")],
  [7, no("NO_MEMORY")],
  [8, no("READONLY")],
  [9, no("INTERRUPTED")],
  [10, { reason: "IO", applied: "unknown", fences: true }],
  [11, no("CORRUPT")],
  [13, no("DISK_FULL")],
  [14, no("CANNOT_OPEN")],
  [18, no("TOO_BIG")],
  [19, no("CONSTRAINT")],
  [26, no("NOT_A_DATABASE")]
])

const inDoubt: SqliteFailure = { reason: "IO", applied: "unknown", fences: false }

/** Classifies what a driver threw. Anything that is not recognised is in doubt. */
export const classify = (cause: unknown): SqliteFailure => {
  if (cause === fenced) return no("FENCED")
  if (cause === nulInText) return no("INVALID_TEXT")
  if (typeof cause !== "object" || cause === null) return inDoubt
  const { code, errcode } = cause as { readonly code?: unknown; readonly errcode?: unknown }
  if (code === "ERR_INVALID_STATE") return no("CLOSED")
  // The low byte of an extended code is the primary one.
  return typeof errcode === "number" ? (byPrimaryCode.get(errcode & 0xff) ?? no("SQL")) : inDoubt
}
