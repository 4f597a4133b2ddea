/**
 * SqliteFile: opens a file as this application's own, or says why not. What it finds is judged before anything is
 * changed; what durability rests on is set and then read back.
 */
import * as Effect from "effect/Effect"
import { DatabaseRefused, type Reason } from "./DatabaseRefused.js"
import * as SqliteDriver from "./SqliteDriver.js"
import { classify } from "./SqliteFailure.js"

/** How to open a file. */
export interface SqliteOptions {
  /** A path, or `":memory:"`. */
  readonly filename: string
  /** How long to wait for a previous owner to let go. Default 1,000. It blocks the thread. */
  readonly busyTimeoutMillis?: number | undefined
  /** Page cache. Default 32. */
  readonly cacheMebibytes?: number | undefined
  /** Pages of 4 KiB in the write-ahead log before they are carried into the file. Default 4,000. */
  readonly checkpointPages?: number | undefined
}

/** `application_id` in the header of our files: "1Lan". */
const applicationId = 0x314c616e

const messages: Partial<Record<Reason, string>> = {
  CANNOT_OPEN: "it cannot be opened; does its directory exist?",
  IN_USE: "another process or connection has it open",
  READONLY: "it cannot be written",
  NOT_A_DATABASE: "it is not an SQLite database",
  CORRUPT: "it is damaged; restore it from a copy",
  FOREIGN: "it belongs to another application",
  DISK_FULL: "the disk is full",
  IO: "the disk answered with an error"
}

const refuse = (filename: string, reason: Reason, cause?: unknown, why = messages[reason]): DatabaseRefused =>
  new DatabaseRefused({ reason, message: `${filename} was not opened: ${why ?? String(cause)}`, cause })

/** Opens and checks a file. */
export const open = (options: SqliteOptions): Effect.Effect<SqliteDriver.Connection, DatabaseRefused> =>
  Effect.flatMap(SqliteDriver.load, (driver) =>
    Effect.suspend(() => {
      let database: SqliteDriver.Connection | undefined
      try {
        database = driver(options.filename)
        claim(database, options)
        return Effect.succeed(database)
      } catch (cause) {
        database?.close()
        return Effect.fail(cause instanceof DatabaseRefused ? cause : refuse(options.filename, reasonOf(cause), cause))
      }
    })
  )

/**
 * Closes a file. It leaves the write-ahead log first, so that a closed store is one plain file, and so that nobody is kept
 * out by what the driver still holds: Node 20's does not finalize statements, and SQLite keeps a connection for their sake.
 */
export const close = (database: SqliteDriver.Connection): Effect.Effect<void> =>
  Effect.sync(() => {
    try {
      database.exec("PRAGMA journal_mode=DELETE; PRAGMA locking_mode=NORMAL; SELECT 1 FROM sqlite_schema LIMIT 1")
    } catch {
      // The disk refuses: what is in the log stays there and is found when the file is opened again.
    }
    database.close()
  })

const reasonOf = (cause: unknown): Reason => {
  const { reason } = classify(cause)
  if (reason === "BUSY") return "IN_USE"
  return reason in messages ? (reason as Reason) : "CANNOT_OPEN"
}

const claim = (database: SqliteDriver.Connection, options: SqliteOptions): void => {
  const { filename, busyTimeoutMillis = 1_000, cacheMebibytes = 32, checkpointPages = 4_000 } = options
  const ask = makeAsk(database)

  database.exec(`PRAGMA busy_timeout=${Math.trunc(busyTimeoutMillis)}; PRAGMA locking_mode=EXCLUSIVE`)
  const owner = ask("application_id", "pragma_application_id")
  const isOurs = owner === applicationId || (owner === 0 && ask("count(*)", "sqlite_schema") === 0)
  if (!isOurs) throw refuse(filename, "FOREIGN")

  database.exec("PRAGMA synchronous=FULL; PRAGMA journal_mode=WAL; PRAGMA foreign_keys=ON")
  database.exec(`PRAGMA cache_size=-${Math.trunc(cacheMebibytes * 1024)}`)
  database.exec(`PRAGMA wal_autocheckpoint=${Math.trunc(checkpointPages)}`)
  // Takes the file for good, and finds out now rather than at the first commit that it cannot be written.
  database.exec(`BEGIN IMMEDIATE; ${owner === 0 ? `PRAGMA application_id=${applicationId};` : ""} COMMIT`)

  const expect = (name: string, ...wanted: ReadonlyArray<unknown>): void => {
    const found = ask(name, `pragma_${name}`)
    if (!wanted.includes(found)) throw refuse(filename, "NOT_DURABLE", undefined, `${name} is ${String(found)}`)
  }
  expect("journal_mode", "wal", ...(filename === ":memory:" ? ["memory"] : []))
  expect("synchronous", 2)
  expect("locking_mode", "exclusive")
  expect("foreign_keys", 1)
}

// Asks for one value without leaving a statement behind, so that a file that is refused is let go at once (see `close`).
const makeAsk = (database: SqliteDriver.Connection) => {
  let answer: unknown
  database.function("onelane_answer", (value: unknown) => {
    answer = value
    return null
  })
  return (column: string, table: string): unknown => {
    database.exec(`SELECT onelane_answer(${column}) FROM ${table}`)
    return answer
  }
}
