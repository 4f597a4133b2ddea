/**
 * SqliteOwnership: checks whether the open files of a connection still have their names and hold what it wrote. If a
 * file is removed, replaced or overwritten, the store is lost: SQLite reports no error and continues to write to a file
 * without a name.
 *
 * 1. Checked before and after each statement that writes, and a few times a second on reads: two `stat` calls each, 8
 * µs per commit.
 * 2. Sizes between statements are exact, because nobody else may write; while the thread writes they may only grow,
 * except that SQLite may truncate a log that was too long to its limit.
 * 3. A failed check is final.
 *
 * Owns the last observed sizes and identities; does not own the consequences (SqliteClient).
 */
import { statSync, truncateSync } from "node:fs"
import * as SqlitePaths from "./SqlitePaths.js"

/** The files of one store. */
export interface SqliteOwnership {
  /** Whether both files are unchanged since the last check. `writing`: another thread is writing to them. */
  readonly before: (writing: boolean) => boolean
  /** Whether both files are still in place. Records their growth as our own writes. */
  readonly after: () => boolean
  /**
   * The same after a statement that rewrites the files (`VACUUM`, a truncating checkpoint): they may have become
   * smaller.
   */
  readonly rewritten: () => boolean
  /** Like `before`, but skipped if the last check was a moment ago. */
  readonly glance: (writing: boolean) => boolean
  /**
   * Whether closing may checkpoint the log into the file. If the file or its log was overwritten, the log is discarded.
   */
  readonly yieldLog: () => boolean
  /** Bytes of the log at the last check. */
  readonly logBytes: () => number
}

/** For memory, and for systems where nobody can remove an open file. */
export const always: SqliteOwnership = {
  before: () => true,
  after: () => true,
  rewritten: () => true,
  glance: () => true,
  yieldLog: () => true,
  logBytes: () => 0
}

/** How long a check is valid for reads, milliseconds. */
const glanceMillis = 250

type Verdict = "ours" | "gone" | "overwritten"

interface Seen {
  readonly path: string
  readonly dev: number
  readonly ino: number
  sizeBytes: number
  isShrinking: boolean
  /** SQLite itself truncates it to no less than this. */
  readonly leastBytes: number
}

interface Ownership {
  readonly file: Seen
  readonly log: Seen
  fileVerdict: Verdict
  logVerdict: Verdict
  lookedAtMillis: number
}

/** Starts to monitor the file `path` and its log, as they are now. SQLite truncates a longer log to `logLimitBytes`. */
export const make = (path: string, logLimitBytes: number): SqliteOwnership => {
  const self: Ownership = {
    file: see(path, Number.POSITIVE_INFINITY),
    log: see(SqlitePaths.logOf(path), logLimitBytes),
    fileVerdict: "ours",
    logVerdict: "ours",
    lookedAtMillis: Number.NEGATIVE_INFINITY
  }
  return {
    before: (writing) => look(self, !writing),
    after: () => look(self, false),
    rewritten: () => {
      self.file.isShrinking = true // with a later checkpoint, if a reader blocks this one
      self.log.sizeBytes = 0
      return look(self, false)
    },
    glance: (writing) => (performance.now() - self.lookedAtMillis < glanceMillis ? isOurs(self) : look(self, !writing)),
    yieldLog: () => yieldLog(self),
    logBytes: () => self.log.sizeBytes
  }
}

const see = (path: string, leastBytes: number): Seen => {
  const { dev, ino, size } = statSync(path)
  return { path, dev, ino, sizeBytes: size, isShrinking: false, leastBytes }
}

const isOurs = ({ fileVerdict, logVerdict }: Ownership): boolean => fileVerdict === "ours" && logVerdict === "ours"

const look = (self: Ownership, exact: boolean): boolean => {
  self.lookedAtMillis = performance.now()
  if (self.fileVerdict === "ours") self.fileVerdict = judge(self.file, exact)
  if (self.logVerdict === "ours") self.logVerdict = judge(self.log, exact)
  return isOurs(self)
}

const quiet = { throwIfNoEntry: false } as const

const judge = (seen: Seen, exact: boolean): Verdict => {
  try {
    const found = statSync(seen.path, quiet)
    if (found === undefined || found.ino !== seen.ino || found.dev !== seen.dev) return "gone"
    const { isShrinking, leastBytes, sizeBytes } = seen
    const isTooSmall = found.size < sizeBytes && found.size < leastBytes && !isShrinking
    if (exact ? found.size !== sizeBytes : isTooSmall) return "overwritten"
    seen.sizeBytes = found.size
    return "ours"
  } catch {
    return "gone" // the folder is no longer searchable, or is not a folder
  }
}

/**
 * SQLite detects a moved or removed file and does not touch the file that took its name. It cannot detect that the file
 * itself was overwritten; emptying the log keeps it from writing a checkpoint into that.
 */
const yieldLog = (self: Ownership): boolean => {
  look(self, true)
  if (self.fileVerdict === "gone") return false
  if (self.fileVerdict === "ours" && self.logVerdict !== "overwritten") return true
  if (self.logVerdict !== "gone") truncateSync(self.log.path, 0)
  return false
}
