/**
 * SqliteLog: watches that the write-ahead log is carried into the file. SQLite does that by itself after a commit, and says
 * nothing when it cannot; the log then grows until the disk is full.
 *
 * A log of more than twice the size at which it is carried over is looked into: carrying it over is tried by name. While that
 * fails it is tried again each second, logged and counted; and before the log takes the last room, writes are refused. Once it
 * was carried over, the log gives its room back.
 *
 * Owns the watch; does not own the log (SQLite), nor its identity (SqliteOwnership).
 */
import { statfsSync } from "node:fs"
import { dirname } from "node:path"
import type { RareLog } from "@onelane/engine"
import type { StoreHealthShape } from "../journal/StoreHealth.js"
import * as SqliteSettings from "./SqliteSettings.js"
import type { Statements } from "./SqliteStatements.js"

/** How the log of a file is watched. */
export interface Options {
  readonly path: string
  readonly statements: Statements
  /** Pages in the log at which SQLite carries them over. */
  readonly checkpointPages: number
  /** Mebibytes of a log that cannot be carried over, at most. */
  readonly logMaxMebibytes: number
  readonly logBytes: () => number
  /** Whether a copy is being made, which holds the log back for a while. */
  readonly isCopying: () => boolean
  readonly log: RareLog.RareLog
}

/** The watch over one log. */
export interface SqliteLog extends StoreHealthShape {
  /** Looks, after a commit or before one; false: another write must not go to the log. */
  readonly hasRoom: () => boolean
}

/** Of what has no log. */
export const none: SqliteLog = { hasRoom: () => true, logBytes: () => 0, checkpointFailures: () => 0 }

/** How long until a log that cannot be carried over is tried again, milliseconds. */
const againMillis = 1_000

/** Bytes of the disk that a log which cannot be carried over leaves free. */
const reserveBytes = 64 * 2 ** 20

interface Watch extends Options {
  /** A log up to this size is as it should be; it is larger for a while after a log that was too long was carried over. */
  calmBytes: number
  readonly leastCalmBytes: number
  isStuck: boolean
  triedAtMillis: number
  failures: number
}

/** Begins to watch. */
export const make = (options: Options): SqliteLog => {
  const leastCalmBytes = SqliteSettings.calmLogBytes(options.checkpointPages)
  const self: Watch = {
    ...options,
    calmBytes: leastCalmBytes,
    leastCalmBytes,
    isStuck: false,
    triedAtMillis: Number.NEGATIVE_INFINITY,
    failures: 0
  }
  return {
    hasRoom: () => hasRoom(self),
    logBytes: options.logBytes,
    checkpointFailures: () => self.failures
  }
}

const hasRoom = (self: Watch): boolean => {
  const bytes = self.logBytes()
  if (!self.isStuck && bytes <= self.calmBytes) {
    if (bytes <= self.leastCalmBytes) self.calmBytes = self.leastCalmBytes
    return true
  }
  if (!self.isCopying()) look(self, bytes)
  return !self.isStuck || (bytes < self.logMaxMebibytes * 2 ** 20 && freeBytes(self.path) > reserveBytes)
}

const look = (self: Watch, bytes: number): void => {
  const nowMillis = performance.now()
  if (self.isStuck && nowMillis - self.triedAtMillis < againMillis) return
  self.triedAtMillis = nowMillis
  const why = carryOver(self.statements)
  self.isStuck = why !== null
  if (why === null) {
    // The commit that writes it from its beginning again cuts it back (SqliteSettings).
    self.calmBytes = bytes + self.leastCalmBytes / 2
    return
  }
  self.failures += 1
  self.log(
    "the log of the store cannot be carried into its file: make room or repair the disk",
    { logBytes: bytes },
    why
  )
}

/** Why it could not be; null: all of it was. */
const carryOver = ({ all }: Statements): string | null => {
  try {
    const [row = {}] = all("PRAGMA wal_checkpoint(PASSIVE)", [])
    return Number(row.checkpointed) >= Number(row.log)
      ? null
      : `${row.checkpointed} of ${row.log} pages: a reader holds it back`
  } catch (cause) {
    return String(cause)
  }
}

const freeBytes = (path: string): number => {
  try {
    const { bavail, bsize } = statfsSync(dirname(path))
    return bavail * bsize
  } catch {
    return Number.POSITIVE_INFINITY // not known here
  }
}
