/**
 * SqlitePaths: the paths of a store: its file and the write-ahead log beside it, and checks of both before SQLite opens
 * them.
 */
import { closeSync, existsSync, openSync, readSync, realpathSync, statSync } from "node:fs"
import { resolve } from "node:path"
import * as SqliteMark from "./SqliteMark.js"

/** The path of a `filename` as SQLite takes it (a path, or a `file:` url); null in memory. */
export const pathOf = (filename: string): string | null => {
  if (filename === ":memory:" || filename === "") return null
  if (!filename.startsWith("file:")) return resolve(filename)
  const path = filename.slice("file:".length).replace(/^\/\/[^/]*/, "")
  return resolve(decodeURIComponent(path.replace(/[?#].*$/s, "")))
}

/** The log of a store; SQLite puts it beside the file itself, not beside a link to it. */
export const logOf = (path: string): string => `${existsSync(path) ? realpathSync(path) : path}-wal`

/** The size of a file in bytes; 0 if it does not exist. */
export const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0

/** The header of an SQLite file. https://www.sqlite.org/fileformat.html#the_database_header */
const headerBytes = 100
const writeVersionAt = 18
const userVersionAt = 60
const writeAhead = 2

/**
 * The fault of a file without its log, or beside a foreign log, as a clause for the operator; null if there is none. No
 * connection of this process may have the file open: it is read and closed here, and closing it releases the locks.
 */
export const faultBeside = (path: string): string | null =>
  // Checked twice: another process may be opening or closing it, and change one of the two between the reads.
  faultNow(path) === null ? null : faultNow(path)

const faultNow = (path: string): string | null => {
  const bytes = headerOf(path)
  if (bytes.length < headerBytes) return null // SQLite reports what it is
  const log = logOf(path)
  const hasLog = sizeOf(log) > 0
  if (!hasLog && bytes.readUInt32BE(userVersionAt) === SqliteMark.withLog)
    return `its log ${log} is missing: it was copied without it, or the log was removed`
  if (hasLog && bytes[writeVersionAt] !== writeAhead)
    return `${log} belongs to another file: move it away, and the file opens as it is`
  return null
}

const headerOf = (path: string): Buffer => {
  const file = openSync(path, "r")
  try {
    const bytes = Buffer.alloc(headerBytes)
    return bytes.subarray(0, readSync(file, bytes, 0, headerBytes, 0))
  } finally {
    closeSync(file)
  }
}
