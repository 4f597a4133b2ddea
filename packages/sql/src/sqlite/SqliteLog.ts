/**
 * SqliteLog: monitors the checkpoints of the write-ahead log. SQLite runs them by itself after a commit and reports no
 * error if one fails; the log then grows until the disk is full.
 *
 * A log of more than twice the checkpoint size is checked by an explicit checkpoint. While that fails, it is retried
 * each second, logged and counted; before the log fills the disk, writes are refused. After a successful checkpoint the
 * log is truncated.
 *
 * Owns the monitoring; does not own the log (SQLite), nor its identity (SqliteOwnership).
 */
import { statfsSync } from "node:fs"
import { dirname } from "node:path"
import type { RareLog } from "@onelane/engine"
import type { StoreHealthShape } from "../journal/StoreHealth.js"
import * as SqliteSettings from "./SqliteSettings.js"
import type { Statements } from "./SqliteStatements.js"

/** How the log of a file is monitored. */
export interface Options {
  readonly path: string
  readonly statements: Statements
  /** Pages in the log that trigger SQLite's checkpoint. */
  readonly checkpointPages: number
  /** Most MiB of a log that cannot be checkpointed. */
  readonly logMaxMebibytes: number
  readonly logBytes: () => number
  /** Whether a copy is being made, which holds the checkpoint back for a while. */
  readonly isCopying: () => boolean
  readonly log: RareLog.RareLog
}

/** The monitor of one log. */
export interface SqliteLog extends StoreHealthShape {
  /** Checks the log, after a commit or before one; false: no further write is allowed. */
  readonly hasRoom: () => boolean
}

/** For stores without a log. */
export const none: SqliteLog = { hasRoom: () => true, logBytes: () => 0, checkpointFailures: () => 0 }

/** Pause before a failed checkpoint is retried, milliseconds. */
const againMillis = 1_000

/** Bytes of free disk space that a log without checkpoints must leave. */
const reserveBytes = 64 * 2 ** 20

interface Watch extends Options {
  /**
   * A log up to this size is normal; the limit is higher for a while after the checkpoint of a log that was too long.
   */
  calmBytes: number
  readonly leastCalmBytes: number
  isStuck: boolean
  triedAtMillis: number
  failures: number
}

/** Starts to monitor. */
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
    // The next commit that restarts the log truncates it (SqliteSettings).
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

/** Runs a checkpoint. Returns why it failed or was incomplete; null if all was checkpointed. */
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
    return Number.POSITIVE_INFINITY // unknown on this system
  }
}
