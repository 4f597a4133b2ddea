/**
 * PostgresClient: an `SqlClient` over a pool of connections to PostgreSQL, others writing beside it.
 *
 * 1. An answered statement is on the server's disk. Every new connection asks for `synchronous_commit`, and is refused where
 *    `fsync` or `full_page_writes` is off; both can be switched while it lives, so they are checked every second, and no
 *    connection sends a statement that writes while they are off (PostgresDurability).
 * 2. Every statement ends: at the server within `statementMillis`, here within `silenceMillis` more, the connection given up.
 * 3. Look-ups that come together go as one statement (`Statements.readTogether`).
 *
 * Owns the connections; does not own the tables (Migrations) nor the journal (JournalSql).
 */

import * as SqlClient from "@effect/sql/SqlClient"
import { SqlError } from "@effect/sql/SqlError"
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import pg from "pg"
import { DatabaseRefused } from "../journal/DatabaseRefused.js"
import { type Client, type Rows, type Run, type RunTogether, Statements } from "../journal/Statements.js"
import * as PostgresDurability from "./PostgresDurability.js"
import * as PostgresFailure from "./PostgresFailure.js"

/** Where the database is, and how long it may take. */
export interface PostgresOptions {
  /** `postgres://user:password@host:port/database`, and behind `?` what the driver understands. */
  readonly url: string
  /** Connections at most. Default 10. */
  readonly connections?: number | undefined
  /** Longest time of a statement at the server, milliseconds. Default 5,000. */
  readonly statementMillis?: number | undefined
  /** Longest time to find a connection, milliseconds. Default 3,000. */
  readonly connectMillis?: number | undefined
  /** For rows that nobody needs after a crash, such as leases: also written while the server is not durable. Default no. */
  readonly forLeases?: boolean | undefined
}

/** Milliseconds a server may be silent after a statement should have ended. */
export const silenceMillis = 1_000

// Said on every new connection, whatever the role or the database is set to. Rows are always found by their key, one by
// one: a plan made while a table was small must not read it whole when it has grown. So no parameter can make one plan
// better than another, and a statement is planned once: else one of a few entries is planned anew each time.
const greeting = `SELECT set_config('statement_timeout', $1, false), set_config('lock_timeout', '0', false),
  set_config('default_transaction_isolation', 'read committed', false), set_config('enable_seqscan', 'off', false),
  set_config('enable_hashjoin', 'off', false), set_config('enable_mergejoin', 'off', false),
  set_config('plan_cache_mode', 'force_generic_plan', false),
  set_config('synchronous_commit', CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on'
    ELSE current_setting('synchronous_commit') END, false),
  current_setting('fsync') AS fsync, current_setting('full_page_writes') AS pages, pg_is_in_recovery() AS follows`

const refused = (reason: DatabaseRefused["reason"], message: string, cause?: unknown): DatabaseRefused =>
  new DatabaseRefused({ reason, message, cause })

const greet = async (
  client: pg.ClientBase,
  statementMillis: number,
  { note }: PostgresDurability.PostgresDurability
): Promise<void> => {
  const { rows } = await client.query(greeting, [String(statementMillis)])
  const { follows } = rows[0]
  if (follows) throw refused("READONLY", "This server follows another one and takes no writes.")
  const fault = note(rows[0])
  if (fault !== null) throw refused("NOT_DURABLE", fault)
}

const makePool = (options: PostgresOptions, durability: PostgresDurability.PostgresDurability) =>
  Effect.acquireRelease(
    Effect.try({
      try: () => {
        const { connections = 10, connectMillis = 3_000, statementMillis = 5_000, url } = options
        const pool = new pg.Pool({
          connectionString: url,
          max: connections,
          connectionTimeoutMillis: connectMillis,
          query_timeout: statementMillis + silenceMillis,
          keepAlive: true,
          application_name: "onelane",
          onConnect: (client) => greet(client, statementMillis, durability),
          ...(options.forLeases === true
            ? {}
            : { Client: PostgresDurability.guarded(durability, PostgresFailure.notDurable) })
        })
        // An idle connection that broke is out of the pool already.
        return pool.on("error", () => {})
      },
      catch: (cause) => refused("CANNOT_OPEN", "This is not a url of a PostgreSQL database.", cause)
    }),
    (pool) => Effect.ignore(Effect.tryPromise(() => pool.end()))
  )

/** Runs on a connection of the pool, which prepares each text once, and gives up one that did not answer. */
const makeRun = (pool: pg.Pool): Run => {
  const names = new Map<string, string>()
  const nameOf = (text: string): string => {
    const name = names.get(text) ?? `onelane_${names.size + 1}`
    names.set(text, name)
    return name
  }
  return (text, parameters) =>
    Effect.async<Rows, SqlError>((resume) => {
      const fail = (cause: unknown) =>
        resume(Effect.fail(new SqlError({ cause, message: PostgresFailure.sentenceOf(cause) })))
      pool.connect((unconnected, client, release) => {
        if (client === undefined) return fail(PostgresFailure.notSent(unconnected))
        let answered = false
        const onEnd = (error: Error | null, result?: pg.QueryResult) => {
          if (answered) return
          answered = true
          client.off("error", onEnd)
          release(error !== null && PostgresFailure.classify(error).ends ? error : undefined)
          if (error === null) resume(Effect.succeed(result!.rows))
          else fail(error)
        }
        client.on("error", onEnd)
        const query = { name: nameOf(text), text, values: parameters as Array<unknown> }
        client.query(query, (error, result) => onEnd(error ?? null, result))
      })
    })
}

/** The same statement for many lists of texts: one row set each, in the order asked. */
const makeRunTogether =
  (run: Run): RunTogether =>
  (text, asked) => {
    const each = text.replace(/\$(\d+)/g, (_, place: string) => `(ask.value->>${Number(place) - 1})`)
    const together = `SELECT ask.place, answer.* FROM (
      SELECT ordinality::int - 1 AS place, value FROM json_array_elements($1::json) WITH ORDINALITY AS each(value, ordinality)
    ) AS ask CROSS JOIN LATERAL (${each}) AS answer`
    return Effect.map(run(together, [JSON.stringify(asked)]), (rows) => {
      const answers = asked.map((): Array<Rows[number]> => [])
      for (const row of rows) answers[row.place as number]!.push(row)
      return answers
    })
  }

const ping = (pool: pg.Pool): Effect.Effect<void, DatabaseRefused> =>
  Effect.tryPromise({
    try: () => pool.query("SELECT 1"),
    catch: (cause) =>
      cause instanceof DatabaseRefused
        ? cause
        : refused("CANNOT_OPEN", "The PostgreSQL server could not be reached.", cause)
  })

/**
 * Opens a pool for as long as the scope lives; refused when the server is not there, or not durable. Prepared statements go to
 * the pool without a detour.
 */
export const make = (options: PostgresOptions): Effect.Effect<Context.Context<Client>, DatabaseRefused, Scope.Scope> =>
  Effect.gen(function* () {
    const durability = yield* PostgresDurability.make
    const pool = yield* makePool(options, durability)
    yield* ping(pool)
    const context = yield* Layer.build(PgClient.layerFromPool({ acquire: Effect.succeed(pool) })).pipe(
      Effect.mapError((cause) => refused("CANNOT_OPEN", "The PostgreSQL server could not be reached.", cause))
    )
    const run = makeRun(pool)
    yield* PostgresDurability.watch(pool, durability)
    const write: Run = (text, parameters) => (durability.isDurable() ? run(text, parameters) : notDurable)
    return Context.make(SqlClient.SqlClient, Context.get(context, SqlClient.SqlClient)).pipe(
      Context.add(Statements, { read: run, write, readTogether: makeRunTogether(run) })
    )
  })

const notDurable = Effect.fail(
  new SqlError({ cause: PostgresFailure.notDurable, message: PostgresFailure.sentenceOf(PostgresFailure.notDurable) })
)

/** The client of one database. */
export const layer = (options: PostgresOptions): Layer.Layer<Client, DatabaseRefused> =>
  Layer.scopedContext(make(options))
