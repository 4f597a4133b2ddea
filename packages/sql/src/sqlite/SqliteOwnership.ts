/**
 * SqliteOwnership: whether the files that a connection has open are still those under their names, and hold what it wrote.
 * Who removes, replaces or overwrites one takes the store away: SQLite goes on without a word, into nothing.
 *
 * 1. Looked at before and after each statement that writes, and on reads a few times a second: two `stat` each, 8 µs a commit.
 * 2. Sizes between statements are exact, because nobody else may write; while the thread writes they may only grow, and SQLite
 *    may cut a log that was too long back to its limit.
 * 3. What was lost once stays lost.
 *
 * Owns what was seen last; does not own what follows from it (SqliteClient).
 */
import { statSync, truncateSync } from "node:fs"
import * as SqlitePaths from "./SqlitePaths.js"

/** The files of one store. */
export interface SqliteOwnership {
  /** Whether both files are as they were left. `writing`: another thread writes to them now. */
  readonly before: (writing: boolean) => boolean
  /** Whether both files are still there. What they grew by is taken as one's own. */
  readonly after: () => boolean
  /** The same after a statement that rewrites the files (`VACUUM`, a truncating checkpoint): they may have become smaller. */
  readonly rewritten: () => boolean
  /** `before`, unless somebody looked a moment ago. */
  readonly glance: (writing: boolean) => boolean
  /** Whether closing may carry the log into the file. Where the file or its log was overwritten, the log is given up. */
  readonly yieldLog: () => boolean
  /** Bytes of the log, as seen last. */
  readonly logBytes: () => number
}

/** Of what has no file, and where nobody can take one away. */
export const always: SqliteOwnership = {
  before: () => true,
  after: () => true,
  rewritten: () => true,
  glance: () => true,
  yieldLog: () => true,
  logBytes: () => 0
}

/** How long a look counts for reads, milliseconds. */
const glanceMillis = 250

type Verdict = "ours" | "gone" | "overwritten"

interface Seen {
  readonly path: string
  readonly dev: number
  readonly ino: number
  sizeBytes: number
  isShrinking: boolean
  /** SQLite itself makes it no smaller than this. */
  readonly leastBytes: number
}

interface Ownership {
  readonly file: Seen
  readonly log: Seen
  fileVerdict: Verdict
  logVerdict: Verdict
  lookedAtMillis: number
}

/** Begins to watch the file `path` and its log, as they are now. The log is cut to `logLimitBytes` when it is longer. */
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
      self.file.isShrinking = true // with some later checkpoint, if a reader holds this one back
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
    if (exact ? found.size !== seen.sizeBytes : isTooSmall(seen, found.size)) return "overwritten"
    seen.sizeBytes = found.size
    return "ours"
  } catch {
    return "gone" // a folder that may not be searched any more, or is none
  }
}

const isTooSmall = ({ isShrinking, leastBytes, sizeBytes }: Seen, foundBytes: number): boolean =>
  foundBytes < sizeBytes && foundBytes < leastBytes && !isShrinking

/**
 * SQLite closes a file that is gone without touching what took its name. What was written into the file itself it cannot
 * see: without its log it carries nothing into that.
 */
const yieldLog = (self: Ownership): boolean => {
  look(self, true)
  if (self.fileVerdict === "gone") return false
  if (self.fileVerdict === "ours" && self.logVerdict !== "overwritten") return true
  if (self.logVerdict !== "gone") truncateSync(self.log.path, 0)
  return false
}
