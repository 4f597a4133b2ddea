/**
 * PostgresClient: an `SqlClient` on a pool of connections to PostgreSQL, which other processes may write to.
 *
 * 1. An answered statement is on the server's disk. Every new connection switches on `synchronous_commit`, and is
 * refused if `fsync` or `full_page_writes` is off. Both can be switched off while it is open, so they are checked every
 * second, and no connection sends a statement that writes while they are off (PostgresDurability).
 * 2. Every statement ends: on the server within `statementMillis`; here at most `silenceMillis` later, and then the
 * connection is discarded.
 * 3. Concurrent look-ups are sent as one statement (`Statements.readTogether`).
 *
 * Owns the connections; does not own the tables (Migrations) nor the journal (JournalSql).
 */

import * as SqlClient from "@effect/sql/SqlClient"
import { SqlError } from "@effect/sql/SqlError"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type pg from "pg"
import { DatabaseRefused } from "../journal/DatabaseRefused.js"
import { type Client, type Rows, type Run, type RunTogether, Statements } from "../journal/Statements.js"
import * as PostgresDurability from "./PostgresDurability.js"
import * as PostgresFailure from "./PostgresFailure.js"
import * as PostgresParts from "./PostgresParts.js"

/** The database, and its timeouts. */
export interface PostgresOptions {
  /** `postgres://user:password@host:port/database`, and the driver's parameters after `?`. */
  readonly url: string
  /** Size of the pool. Default 10. */
  readonly connections?: number | undefined
  /** Timeout of a statement on the server, milliseconds. Default 5,000. */
  readonly statementMillis?: number | undefined
  /** Timeout for getting a connection, milliseconds. Default 3,000. */
  readonly connectMillis?: number | undefined
  /**
   * For rows that nobody needs after a crash, such as leases: also written while the server is not durable. Default no.
   */
  readonly forLeases?: boolean | undefined
}

/** How long to wait for the server after a statement should have ended, milliseconds. */
export const silenceMillis = 1_000

// Sent on every new connection, whatever the settings of the role or the database are. Rows are always found by their
// key, one by one: a plan made for a small table must not scan it when it has grown. So one generic plan serves all
// parameters, and a statement is planned once.
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

const makePool = (
  options: PostgresOptions,
  durability: PostgresDurability.PostgresDurability,
  { pg }: PostgresParts.PostgresParts
) =>
  Effect.acquireRelease(
    Effect.try({
      try: () => {
        const { connections = 10, connectMillis = 3_000, statementMillis = 5_000, url } = options
        new pg.Client(url) // throws for a malformed url; a pool would say so with its first connection
        const pool = new pg.Pool({
          connectionString: url,
          max: connections,
          connectionTimeoutMillis: connectMillis,
          query_timeout: statementMillis + silenceMillis,
          keepAlive: true,
          // An idle connection does not keep the process alive.
          allowExitOnIdle: true,
          application_name: "onelane",
          onConnect: (client) => greet(client, statementMillis, durability),
          ...(options.forLeases === true
            ? {}
            : { Client: PostgresDurability.guarded(pg.Client, durability, PostgresFailure.notDurable) })
        })
        // A broken idle connection has already left the pool.
        return pool.on("error", () => {})
      },
      catch: (cause) => refused("CANNOT_OPEN", PostgresFailure.refusalOf(cause), cause)
    }),
    (pool) => Effect.ignore(Effect.tryPromise(() => pool.end()))
  )

/**
 * Runs statements on a connection of the pool. Each text is prepared once; a connection that did not answer is
 * discarded.
 */
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

/** Runs a statement for many lists of texts: one row set each, in order. */
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
      cause instanceof DatabaseRefused ? cause : refused("CANNOT_OPEN", PostgresFailure.refusalOf(cause), cause)
  })

/**
 * Opens a pool until the scope closes. Fails if the server is unreachable or not durable, or its driver is not
 * installed. Prepared statements go directly to the pool.
 */
export const make = (options: PostgresOptions): Effect.Effect<Context.Context<Client>, DatabaseRefused, Scope.Scope> =>
  Effect.gen(function* () {
    const parts = yield* PostgresParts.load
    const durability = yield* PostgresDurability.make
    const pool = yield* makePool(options, durability, parts)
    yield* ping(pool)
    const context = yield* Layer.build(parts.PgClient.layerFromPool({ acquire: Effect.succeed(pool) })).pipe(
      Effect.mapError((cause) => refused("CANNOT_OPEN", PostgresFailure.refusalOf(cause), cause))
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

/** The client for one database. */
export const layer = (options: PostgresOptions): Layer.Layer<Client, DatabaseRefused> =>
  Layer.scopedContext(make(options))
