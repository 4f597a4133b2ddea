/**
 * SqliteFailure: classifies errors of SQLite. Pure: takes a code, returns a reason and `applied`.
 *
 * One statement is one transaction, and SQLite rolls a failed statement back. Only after an error of the disk itself is
 * it unknown whether the commit happened: the write-ahead log may hold it and replay it when the file is opened again.
 */

/** The outcome of a failed statement. `fences`: the connection must no longer be used. */
export interface SqliteFailure {
  readonly reason: string
  readonly applied: "no" | "unknown"
  readonly fences: boolean
}

/** The cause of every call on a connection after the one that fenced it. */
export const fenced = { code: "ONELANE_FENCED" } as const

/** The cause of a call whose file, or its log, was removed or replaced: nobody will read its commit. */
export const replaced = { code: "ONELANE_FILE_REPLACED" } as const

/** The cause of a call that is refused because its log is full and cannot be checkpointed. */
export const logFull = { code: "ONELANE_LOG_FULL" } as const

/** The cause of a call whose thread ended before it answered. */
export const threadEnded = { code: "ONELANE_THREAD_ENDED" } as const

/** The cause of a call on a closed connection. */
export const closed = { code: "ERR_INVALID_STATE" } as const

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

/** SQLite's messages and their codes: the driver of Node 20 omits the code if a statement that returns rows fails. */
const codes: Readonly<Record<string, number>> = {
  "database is locked": 5,
  "database table is locked": 6,
  "out of memory": 7,
  "attempt to write a readonly database": 8,
  interrupted: 9,
  "disk I/O error": 10,
  "database disk image is malformed": 11,
  "database or disk is full": 13,
  "unable to open database file": 14,
  "string or blob too big": 18,
  "file is not a database": 26
}

/** Classifies an exception. If it is not recognized as one of SQLite's, the outcome is unknown. */
export const classify = (cause: unknown): SqliteFailure => {
  if (cause === fenced) return no("FENCED")
  if (cause === replaced) return { reason: "FILE_REPLACED", applied: "unknown", fences: true }
  if (cause === logFull) return no("LOG_FULL")
  if (cause === nulInText) return no("INVALID_TEXT")
  if (cause === threadEnded) return { reason: "THREAD_ENDED", applied: "unknown", fences: true }
  if (cause instanceof SyntaxError) return no("CORRUPT")
  const {
    code,
    errcode,
    message = ""
  } = (cause ?? {}) as {
    readonly code?: unknown
    readonly errcode?: number
    readonly message?: string
  }
  if (code === "ERR_INVALID_STATE") return no("CLOSED")
  if (code !== "ERR_SQLITE_ERROR") return { reason: "DRIVER", applied: "unknown", fences: false }
  // The low byte of an extended code is the primary one.
  return byPrimaryCode.get((errcode ?? codes[message] ?? 0) & 0xff) ?? no("SQL")
}
