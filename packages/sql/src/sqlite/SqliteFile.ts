/**
 * SqliteFile: opens a file for exclusive use by this process, or refuses with a reason. The file is checked before
 * anything is changed; the settings needed for durability are set and then read back.
 *
 * 1. One owner. No other process can open the file while it is open here. The `unix-excl` VFS ensures that; it keeps
 * the shared data of this process's connections in memory. Without it, a single connection uses exclusive mode. Within
 * the process ownership is an open transaction on an in-memory database named after the file.
 * 2. Closing leaves no log and no lock on the file.
 * 3. A file under its final name is complete. A new file is created under a temporary name (SqliteNewFile); one that
 * lacks its tables or its log is refused.
 */

import { chmodSync, existsSync, statSync } from "node:fs"
import { pathToFileURL } from "node:url"
import * as Effect from "effect/Effect"

import { DatabaseRefused, type Reason } from "../journal/DatabaseRefused.js"
import * as SqliteAccess from "./SqliteAccess.js"
import * as SqliteDriver from "./SqliteDriver.js"
import { classify } from "./SqliteFailure.js"
import * as SqliteMark from "./SqliteMark.js"
import type { Connection, Origin } from "./SqliteModule.js"
import * as SqliteOwnership from "./SqliteOwnership.js"
import * as SqlitePaths from "./SqlitePaths.js"
import * as SqliteSettings from "./SqliteSettings.js"
import { type Statements, statementsOf } from "./SqliteStatements.js"

/** How to open a file. */
export interface SqliteOptions {
  /** A path, or `":memory:"`. */
  readonly filename: string
  /** How long to wait for a previous owner to release the file, milliseconds. Default 1,000. Blocks the thread. */
  readonly busyTimeoutMillis?: number | undefined
  /** Page cache of a connection, MiB. Default 32. */
  readonly cacheMebibytes?: number | undefined
  /** Pages of 4 KiB in the write-ahead log that trigger a checkpoint. Default 4,000. */
  readonly checkpointPages?: number | undefined
  /** Size in MiB of a write-ahead log that cannot be checkpointed, above which writes are refused. Default 1,024. */
  readonly logMaxMebibytes?: number | undefined
}

/** An open file. */
export interface SqliteFile {
  readonly connection: Connection
  readonly statements: Statements
  readonly settings: SqliteSettings.Settings
  /** Whether its files are still in place. */
  readonly ownership: SqliteOwnership.SqliteOwnership
  /** The name by which further connections of this process open it; null if they cannot. */
  readonly sharedName: string | null
  /** Where a thread loads the driver. */
  readonly origin: Origin
  /** Closes it; close further connections first. */
  readonly close: Effect.Effect<void>
}

/** `application_id` in the header of our files: "1Lan". */
const applicationId = 0x314c616e

/** How long a connection waits for a write of another connection of this process, milliseconds. */
const writeMillis = 5_000

const messages: Partial<Record<Reason, string>> = {
  CANNOT_OPEN: "it cannot be opened",
  IN_USE: "another process or connection has it open",
  READONLY: "it cannot be written",
  NOT_A_DATABASE: "it is not an SQLite database",
  CORRUPT: "it is damaged; restore it from a copy",
  INCOMPLETE: "it has no tables: it was cut short; restore a backup, or remove it to begin a new store",
  FOREIGN: "it belongs to another application",
  DISK_FULL: "the disk is full",
  IO: "the disk answered with an error"
}

const refuse = (filename: string, reason: Reason, cause?: unknown, why = messages[reason]): DatabaseRefused =>
  new DatabaseRefused({ reason, message: `${filename} was not opened: ${why ?? String(cause)}`, cause })

const noDriver = "No SQLite could be loaded. Node has it from 22.13 on; before, npm install @onelane/sqlite20"

const loadDriver: Effect.Effect<SqliteDriver.Driver, DatabaseRefused> = Effect.tryPromise({
  try: SqliteDriver.load,
  catch: (cause) => new DatabaseRefused({ reason: "NO_DRIVER", message: noDriver, cause })
})

/** Opens and checks a file. */
export const open = (options: SqliteOptions): Effect.Effect<SqliteFile, DatabaseRefused> =>
  Effect.flatMap(loadDriver, (driver) =>
    Effect.suspend(() => {
      const opened: Array<Connection> = []
      try {
        return Effect.succeed(claim(driver, options, opened))
      } catch (cause) {
        for (const connection of opened.reverse()) connection.close()
        return Effect.fail(cause instanceof DatabaseRefused ? cause : refusedBy(options.filename, cause))
      }
    })
  )

const refusedBy = (filename: string, cause: unknown): DatabaseRefused => {
  const reason = reasonOf(cause)
  const path = SqlitePaths.pathOf(filename)
  const isAccess = path !== null && (reason === "CANNOT_OPEN" || reason === "READONLY")
  return refuse(filename, reason, cause, (isAccess ? SqliteAccess.faultOf(path) : null) ?? messages[reason])
}

const reasonOf = (cause: unknown): Reason => {
  const { reason } = classify(cause)
  if (reason === "BUSY") return "IN_USE"
  return reason in messages ? (reason as Reason) : "CANNOT_OPEN"
}

// Null in memory, and on systems without `unix-excl`. An existing file is opened without the right to create it: it may
// be gone when the thread opens it, and a new empty file would then take over its log.
const sharedNameOf = (filename: string, isThere: boolean): string | null => {
  if (filename === ":memory:" || filename === "" || process.platform === "win32") return null
  const url = filename.startsWith("file:") ? filename : pathToFileURL(filename).href
  const mode = isThere && !url.includes("mode=") ? "&mode=rw" : ""
  return `${url}${url.includes("?") ? "&" : "?"}vfs=unix-excl${mode}`
}

const claim = (driver: SqliteDriver.Driver, options: SqliteOptions, opened: Array<Connection>): SqliteFile => {
  const { filename, busyTimeoutMillis = 1_000, cacheMebibytes = 32, checkpointPages = 4_000 } = options
  const path = SqlitePaths.pathOf(filename)
  const isThere = path !== null && existsSync(path)
  const sharedName = sharedNameOf(filename, isThere)
  const wait = `PRAGMA busy_timeout=${Math.trunc(busyTimeoutMillis)}`
  const own = (file: string): void => {
    opened.push(claimInProcess(driver, file, wait))
  }
  if (isThere && sharedName !== null) own(path)
  const missing = isThere ? SqlitePaths.faultBeside(path) : null
  if (missing !== null) throw refuse(filename, "INCOMPLETE", undefined, missing)
  const connection = driver.open(sharedName ?? filename)
  opened.push(connection)
  connection.exec(sharedName === null ? `${wait}; PRAGMA locking_mode=EXCLUSIVE` : wait)
  judge(connection, filename, isThere)
  if (path !== null && !isThere) {
    chmodSync(path, 0o600) // who buys what, and digests of keys; SQLite gives its log the same mode
    if (sharedName !== null) own(path)
  }

  const settings = { busyTimeoutMillis, cacheMebibytes, checkpointPages }
  // SQLite would reuse an empty log without a mark in the header.
  if (isThere && SqlitePaths.sizeOf(SqlitePaths.logOf(path)) === 0) connection.exec("PRAGMA journal_mode=DELETE")
  SqliteSettings.set(connection, settings)
  // Locks the file, and detects now rather than at the first commit that it cannot be written.
  connection.exec(`BEGIN IMMEDIATE; PRAGMA application_id=${applicationId}; COMMIT`)
  const fault = SqliteSettings.fault(connection, {
    journal_mode: path === null ? "memory" : "wal",
    locking_mode: sharedName === null ? "exclusive" : "normal"
  })
  if (fault !== null) throw refuse(filename, "NOT_DURABLE", undefined, fault)
  if (isThere) markWithLog(connection)
  connection.exec(`PRAGMA busy_timeout=${writeMillis}`)
  const ownership =
    path === null || sharedName === null
      ? SqliteOwnership.always
      : SqliteOwnership.make(path, SqliteSettings.calmLogBytes(checkpointPages))
  const statements = statementsOf(connection)
  const file = path === null ? null : statSync(path)
  const close = Effect.zipRight(
    Effect.sync(() => letGo(connection, opened, statements, ownership)),
    file === null ? Effect.void : Effect.promise(() => driver.letGo(file))
  )
  const kept = { ...settings, busyTimeoutMillis: writeMillis }
  return { connection, statements, settings: kept, ownership, sharedName, origin: driver.origin, close }
}

const judge = (connection: Connection, filename: string, isThere: boolean): void => {
  const ask = SqliteSettings.makeAsk(connection)
  const found = ask("application_id", "pragma_application_id")
  const tables = ask("count(*)", "sqlite_schema")
  if (found !== applicationId && (found !== 0 || tables !== 0)) throw refuse(filename, "FOREIGN")
  if (isThere && tables === 0) throw refuse(filename, "INCOMPLETE")
}

const claimInProcess = (driver: SqliteDriver.Driver, path: string, wait: string): Connection => {
  const { dev, ino } = statSync(path)
  const ownership = driver.open(`file:/onelane-${dev}-${ino}?vfs=memdb`)
  ownership.exec(`${wait}; BEGIN EXCLUSIVE`)
  return ownership
}

// Marks the main file as incomplete without its log, which exists by now.
const markWithLog = (connection: Connection): void => {
  try {
    connection.exec(`PRAGMA user_version=${SqliteMark.withLog}; PRAGMA wal_checkpoint`)
  } catch (cause) {
    // There may be room again later, and stored data can be read now.
    if (classify(cause).reason !== "DISK_FULL") throw cause
  }
}

const letGo = (
  connection: Connection,
  opened: ReadonlyArray<Connection>,
  statements: Statements,
  ownership: SqliteOwnership.SqliteOwnership
): void => {
  statements.forget()
  try {
    if (!ownership.yieldLog()) return end(connection, opened)
    // Everything is checkpointed into the main file before it is marked so; it leaves write-ahead mode last, so that a
    // closed store is one plain file.
    connection.exec(`PRAGMA wal_checkpoint(RESTART); PRAGMA user_version=${SqliteMark.alone}`)
    connection.exec("PRAGMA journal_mode=DELETE; PRAGMA locking_mode=NORMAL; SELECT 1 FROM sqlite_schema LIMIT 1")
  } catch {
    // A disk error: the data stays in the log and is found when the file is reopened.
  }
  end(connection, opened)
}

const end = (connection: Connection, opened: ReadonlyArray<Connection>): void => {
  connection.close()
  for (const other of opened) if (other !== connection) other.close()
}
