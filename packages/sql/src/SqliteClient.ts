/**
 * SqliteClient: an `SqlClient` over one synchronous SQLite connection that owns its file.
 *
 * 1. An answered statement is on the disk: write-ahead log, `synchronous=FULL`, both said and read back when opening.
 * 2. The file has one owner: `locking_mode=EXCLUSIVE`; a second one is refused when opening.
 * 3. After an error of the disk the connection is fenced: every call answers so until the file is opened anew.
 *
 * Owns the connection, its statements and the fence; does not own the tables (Migrations) nor the journal (JournalSql).
 */
import * as Reactivity from "@effect/experimental/Reactivity"
import * as SqlClient from "@effect/sql/SqlClient"
import type { Connection } from "@effect/sql/SqlConnection"
import { SqlError } from "@effect/sql/SqlError"
import { makeCompilerSqlite } from "@effect/sql/Statement"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { DatabaseRefused } from "./DatabaseRefused.js"
import { type Rows, type Run, runPrepared } from "./Prepared.js"
import type * as SqliteDriver from "./SqliteDriver.js"
import * as SqliteFailure from "./SqliteFailure.js"
import * as SqliteFile from "./SqliteFile.js"

/** A client that answers a prepared statement at once, with an `Exit`, unless a transaction holds the connection. */
export interface SqliteClient extends SqlClient.SqlClient {
  readonly [runPrepared]: Run
}

/** Statements kept prepared; the oldest goes first. */
const statementCapacity = 256

type RunNow = (text: string, parameters: ReadonlyArray<unknown>) => Exit.Exit<Rows, SqlError>

/** Runs on the connection, and fences it (3). */
const makeRun = (database: SqliteDriver.Connection): RunNow => {
  const statements = new Map<string, ReturnType<SqliteDriver.Connection["prepare"]>>()
  let isFenced = false

  const prepared = (text: string) => {
    let statement = statements.get(text)
    if (statement === undefined) {
      statement = database.prepare(text)
      if (statements.size >= statementCapacity) statements.delete(statements.keys().next().value!)
      statements.set(text, statement)
    }
    return statement
  }

  return (text, parameters) => {
    try {
      if (isFenced) throw SqliteFailure.fenced
      return Exit.succeed(prepared(text).all(...parameters.map(bindable)))
    } catch (cause) {
      if (SqliteFailure.classify(cause).fences) isFenced = true
      return Exit.fail(new SqlError({ cause, message: "SQLite refused a statement" }))
    }
  }
}

// SQLite has no booleans, and its drivers cut text at a NUL.
const bindable = (value: unknown): unknown => {
  if (typeof value === "boolean") return value ? 1 : 0
  if (typeof value === "string" && value.includes("\0")) throw SqliteFailure.nulInText
  return value
}

const makeConnection = (database: SqliteDriver.Connection, runNow: RunNow): Connection => {
  const run: Run = (text, parameters) => Effect.suspend(() => runNow(text, parameters))
  const rows: Connection["execute"] = (text, parameters, transform) =>
    transform === undefined
      ? run(text, parameters)
      : Effect.map(run(text, parameters), (found) => transform(found as ReadonlyArray<object>))
  return {
    execute: rows,
    executeRaw: run,
    executeValues: (text, parameters) => Effect.map(run(text, parameters), (found) => found.map(Object.values)),
    executeStream: (text, parameters, transform) =>
      Stream.unwrap(Effect.map(rows(text, parameters, transform), Stream.fromIterable)),
    // A full disk has ended the transaction already: there is nothing to roll back.
    executeUnprepared: (text, parameters, transform) =>
      Effect.suspend(() =>
        text === "ROLLBACK" && database.isTransaction === false ? Exit.succeed([]) : rows(text, parameters, transform)
      )
  }
}

// A COMMIT that was refused leaves its transaction open, and whatever ran next would be part of it.
const endTransaction = (database: SqliteDriver.Connection): void => {
  if (database.isTransaction === false) return
  try {
    database.exec("ROLLBACK")
  } catch {
    // There was none: this Node's driver cannot tell beforehand.
  }
}

/** Opens a file, or `":memory:"`, for as long as the scope lives. */
export const make = (
  options: SqliteFile.SqliteOptions
): Effect.Effect<SqliteClient, DatabaseRefused, Scope.Scope | Reactivity.Reactivity> =>
  Effect.gen(function* () {
    const database = yield* Effect.acquireRelease(SqliteFile.open(options), SqliteFile.close)
    const runNow = makeRun(database)
    const connection = makeConnection(database, runNow)
    const turn = Effect.unsafeMakeSemaphore(1)
    let inTransaction = false

    const client = yield* SqlClient.make({
      acquirer: turn.withPermits(1)(Effect.succeed(connection)),
      transactionAcquirer: Effect.uninterruptibleMask((restore) =>
        Effect.gen(function* () {
          const scope = yield* Effect.scope
          yield* restore(turn.take(1))
          inTransaction = true
          yield* Scope.addFinalizer(
            scope,
            Effect.suspend(() => {
              endTransaction(database)
              inTransaction = false
              return turn.release(1)
            })
          )
          return connection
        })
      ) as Effect.Effect<Connection, SqlError, Scope.Scope>,
      compiler: makeCompilerSqlite(),
      spanAttributes: [["db.system.name", "sqlite"]]
    })
    // A statement that slipped into somebody's open transaction would be answered before it is durable.
    const run: Run = (text, parameters) => (inTransaction ? client.unsafe(text, parameters) : runNow(text, parameters))
    return Object.assign(client, { [runPrepared]: run })
  })

/** The client of one file, or of `":memory:"`. */
export const layer = (options: SqliteFile.SqliteOptions): Layer.Layer<SqlClient.SqlClient, DatabaseRefused> =>
  Layer.scoped(SqlClient.SqlClient, make(options)).pipe(Layer.provide(Reactivity.layer))
