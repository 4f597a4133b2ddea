/**
 * SqliteClient: an `SqlClient` over one SQLite file that this process owns.
 *
 * 1. An answered statement is on disk: write-ahead log and `synchronous=FULL`, both set and read back when opening.
 * 2. The file has one owner (SqliteFile); a second one is refused when opening.
 * 3. After a disk error, or if its files were removed or replaced (SqliteOwnership), the file is fenced: every call
 * fails until the file is reopened.
 * 4. While a transaction is open nothing else is written, neither on its connection nor by the thread.
 *
 * Owns the connection, the fence and the order of writers; does not own the tables (Migrations) nor the journal
 * (JournalSql).
 */
import * as Reactivity from "@effect/experimental/Reactivity"
import * as SqlClient from "@effect/sql/SqlClient"
import type { Connection } from "@effect/sql/SqlConnection"
import { SqlError } from "@effect/sql/SqlError"
import { makeCompilerSqlite } from "@effect/sql/Statement"
import { RareLog } from "@onelane/engine"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Runtime from "effect/Runtime"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { DatabaseRefused } from "../journal/DatabaseRefused.js"
import * as Migrations from "../journal/Migrations.js"
import { type Client, type Rows, type Run, Statements } from "../journal/Statements.js"
import { StoreHealth } from "../journal/StoreHealth.js"
import * as SqliteFailure from "./SqliteFailure.js"
import * as SqliteFile from "./SqliteFile.js"
import * as SqliteLog from "./SqliteLog.js"
import type * as SqliteModule from "./SqliteModule.js"
import * as SqliteNewFile from "./SqliteNewFile.js"
import * as SqlitePaths from "./SqlitePaths.js"
import * as SqliteWriterThread from "./SqliteWriterThread.js"
import * as StoreBackup from "./StoreBackup.js"

/** How to open a file, and where commits run. */
export interface SqliteOptions extends SqliteFile.SqliteOptions {
  /**
   * Which commits run in a thread. `"large"`: large ones, and small ones while the disk is slow. `"always"`: all;
   * opening also waits for the thread. `"never"`: none, so the event loop waits for the disk. Default `"large"`.
   */
  readonly thread?: "large" | "always" | "never" | undefined
}

/** The services of a file: client, backups, and metrics of its log. */
export type SqliteClient = Client | StoreBackup.StoreBackup | StoreHealth

type RunNow = (text: string, parameters: ReadonlyArray<unknown>) => Exit.Exit<Rows, SqlError>

/** Permanently closed once an error leaves the outcome of a commit unknown (3). */
interface Fence {
  isClosed: boolean
  /** Whether the thread is running a statement. */
  isApart: boolean
  /** Whether the connection was closed, so that changes of its files no longer matter. */
  isOver: boolean
}

const fail = (cause: unknown): Exit.Exit<never, SqlError> =>
  Exit.fail(new SqlError({ cause, message: "SQLite refused a statement" }))

const failFenced = (fence: Fence, cause: unknown): Exit.Exit<never, SqlError> => {
  if (SqliteFailure.classify(cause).fences) fence.isClosed = true
  return fail(cause)
}

const makeRun =
  ({ ownership, statements: { all } }: SqliteFile.SqliteFile, fence: Fence): RunNow =>
  (text, parameters) => {
    const writes = !isRead.test(text)
    try {
      if (fence.isOver) throw SqliteFailure.closed
      if (fence.isClosed) throw SqliteFailure.fenced
      if (!(writes ? ownership.before(fence.isApart) : ownership.glance(fence.isApart))) throw SqliteFailure.replaced
      const rows = all(text, parameters.every(isBindable) ? parameters : parameters.map(bindable))
      if (writes && !(isRewrite.test(text) ? ownership.rewritten() : ownership.after())) throw SqliteFailure.replaced
      return Exit.succeed(rows)
    } catch (cause) {
      if (writes) ownership.after() // a failed statement may have written to the log
      return failFenced(fence, cause)
    }
  }

const isRead = /^\s*SELECT\b/i

const isRewrite = /^(VACUUM|PRAGMA wal_checkpoint)\b/

const isBindable = (value: unknown): boolean =>
  typeof value === "string" ? !value.includes("\0") : typeof value !== "boolean"

// SQLite has no booleans, and its drivers cut text at a NUL.
const bindable = (value: unknown): unknown => {
  if (typeof value === "boolean") return value ? 1 : 0
  if (typeof value === "string" && value.includes("\0")) throw SqliteFailure.nulInText
  return value
}

const makeConnection = (database: SqliteModule.Connection, runNow: RunNow): Connection => {
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
    // A full disk has already ended the transaction: there is nothing to roll back.
    executeUnprepared: (text, parameters, transform) =>
      Effect.suspend(() =>
        text === "ROLLBACK" && database.isTransaction === false ? Exit.succeed([]) : rows(text, parameters, transform)
      )
  }
}

// A refused COMMIT leaves its transaction open, and the next statement would become part of it.
const endTransaction = (database: SqliteModule.Connection): void => {
  if (database.isTransaction === false) return
  try {
    database.exec("ROLLBACK")
  } catch {
    // There was no open transaction: this Node's driver cannot tell beforehand.
  }
}

/** The current writer: one transaction, or the thread. `claims`: number of transactions that are open or waiting. */
interface Turn {
  readonly permit: Effect.Semaphore
  claims: number
}

const takeTurn = (turn: Turn, database: SqliteModule.Connection): Effect.Effect<void, never, Scope.Scope> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      const scope = yield* Effect.scope
      turn.claims += 1
      yield* Effect.onInterrupt(restore(turn.permit.take(1)), () =>
        Effect.sync(() => {
          turn.claims -= 1
        })
      )
      yield* Scope.addFinalizer(
        scope,
        Effect.suspend(() => {
          endTransaction(database)
          turn.claims -= 1
          return turn.permit.release(1)
        })
      )
    })
  )

const makeWriter = (
  { connection, origin, settings, sharedName }: SqliteFile.SqliteFile,
  thread: SqliteOptions["thread"],
  runtime: Runtime.Runtime<never>
): SqliteWriterThread.SqliteWriterThread => {
  if (sharedName === null || thread === "never") return SqliteWriterThread.none
  return SqliteWriterThread.make({
    start: { filename: sharedName, origin, settings },
    always: thread === "always",
    // While the thread writes, it also runs the checkpoints.
    onReady: (ready) => connection.exec(`PRAGMA wal_autocheckpoint=${ready ? 0 : settings.checkpointPages}`),
    onAbsent: (cause) => void Runtime.runFork(runtime)(Effect.logWarning(noThread, Cause.die(cause)))
  })
}

const noThread = "SQLite's writer thread could not start; every commit is made on the event loop"

/**
 * Opens a file, or `":memory:"`, until the scope closes. A missing file is first created with its tables (Migrations).
 * A prepared statement returns an `Exit`, unless a transaction holds the connection; large writes run in the thread.
 */
export const make = (
  options: SqliteOptions
): Effect.Effect<Context.Context<SqliteClient>, DatabaseRefused, Scope.Scope | Reactivity.Reactivity> => {
  const path = SqlitePaths.pathOf(options.filename)
  const making =
    path === null ? Effect.void : SqliteNewFile.make(path, (aside) => fill({ ...options, filename: aside }))
  return Effect.zipRight(making, connect(options))
}

const fill = (options: SqliteOptions): Effect.Effect<unknown, DatabaseRefused, Reactivity.Reactivity> =>
  Effect.scoped(
    Effect.flatMap(connect({ ...options, thread: "never" }), (client) => Effect.provide(Migrations.run, client))
  )

const connect = (
  options: SqliteOptions
): Effect.Effect<Context.Context<SqliteClient>, DatabaseRefused, Scope.Scope | Reactivity.Reactivity> =>
  Effect.gen(function* () {
    const file = yield* Effect.acquireRelease(SqliteFile.open(options), ({ close }) => close)
    const writer = yield* Effect.acquireRelease(
      Effect.map(Effect.runtime<never>(), (runtime) => makeWriter(file, options.thread, runtime)),
      ({ close }) => close
    )
    if (options.thread === "always") yield* writer.begin
    const backups = file.sharedName === null ? StoreBackup.inMemory : yield* StoreBackup.ofFile(file)
    const fence: Fence = { isClosed: false, isApart: false, isOver: false }
    yield* Effect.addFinalizer(() => Effect.sync(() => void (fence.isOver = true)))
    const runNow = makeRun(file, fence)
    const connection = makeConnection(file.connection, runNow)
    const turn: Turn = { permit: Effect.unsafeMakeSemaphore(1), claims: 0 }
    const acquirer = Effect.suspend(() =>
      turn.claims > 0 ? turn.permit.withPermits(1)(Effect.succeed(connection)) : Effect.succeed(connection)
    )

    const client = yield* SqlClient.make({
      acquirer,
      transactionAcquirer: Effect.as(takeTurn(turn, file.connection), connection) as Effect.Effect<
        Connection,
        SqlError,
        Scope.Scope
      >,
      compiler: makeCompilerSqlite(),
      spanAttributes: [["db.system.name", "sqlite"]]
    })
    // A statement inside another caller's open transaction would be answered before it is durable.
    const run: Run = (text, parameters) =>
      turn.claims > 0 ? client.unsafe(text, parameters) : runNow(text, parameters)
    const watch = SqlitePaths.pathOf(options.filename)
    const log =
      watch === null
        ? SqliteLog.none
        : SqliteLog.make({
            path: watch,
            statements: file.statements,
            checkpointPages: file.settings.checkpointPages,
            logMaxMebibytes: options.logMaxMebibytes ?? 1_024,
            logBytes: file.ownership.logBytes,
            isCopying: backups.isMaking,
            log: yield* RareLog.make
          })
    const write = writing(file, writer, fence, turn, log, run)
    return Context.make(SqlClient.SqlClient, client).pipe(
      Context.add(Statements, { read: run, write, readTogether: null }),
      Context.add(StoreBackup.StoreBackup, backups),
      Context.add(StoreHealth, log)
    )
  })

const writing = (
  { ownership }: SqliteFile.SqliteFile,
  writer: SqliteWriterThread.SqliteWriterThread,
  fence: Fence,
  turn: Turn,
  log: SqliteLog.SqliteLog,
  run: Run
): Run => {
  return (text, parameters) => {
    if (turn.claims === 0 && !fence.isClosed && !log.hasRoom()) return fail(SqliteFailure.logFull)
    if (turn.claims === 0 && !fence.isClosed && writer.takes(parameters)) {
      const running = Effect.async<Rows, SqlError>((resume) => {
        if (!ownership.before(false)) return resume(failFenced(fence, SqliteFailure.replaced))
        fence.isApart = true
        writer.run(text, parameters, (answer) => {
          fence.isApart = false
          const isOurs = ownership.after() // also for a failed statement, which may have written to the log
          if ("thrown" in answer) resume(failFenced(fence, answer.thrown))
          else resume(isOurs ? Exit.succeed(answer.rows) : failFenced(fence, SqliteFailure.replaced))
        })
      })
      return Effect.uninterruptible(turn.permit.withPermits(1)(running))
    }
    const startedAtMillis = performance.now()
    const exit = run(text, parameters)
    writer.stayed(performance.now() - startedAtMillis)
    return exit
  }
}

/** The client of one file, or of `":memory:"`, with its backups and metrics. */
export const layer = (options: SqliteOptions): Layer.Layer<SqliteClient, DatabaseRefused> =>
  Layer.scopedContext(make(options)).pipe(Layer.provide(Reactivity.layer))
