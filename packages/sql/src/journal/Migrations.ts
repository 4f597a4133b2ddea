/**
 * Migrations: brings the tables up to date, each step once and in order, and refuses a database that is newer than this
 * release. Owns the tables and documents each.
 */
import * as Migrator from "@effect/sql/Migrator"
import { SqlClient } from "@effect/sql/SqlClient"
import { StoreFormat } from "@onelane/checkout"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { DatabaseRefused } from "./DatabaseRefused.js"
import * as Dialect from "./Dialect.js"
import * as StoreDamage from "./StoreDamage.js"

const table = "onelane_migrations"

const execute = (statements: (dialect: Dialect.Dialect) => ReadonlyArray<string>) =>
  Effect.flatMap(SqlClient, (sql) =>
    Effect.forEach(statements(Dialect.of(sql)), (text) => sql.unsafe(text), { discard: true })
  )

/**
 * `journal_state` holds the current state of an address. `journal_events` holds its history: one row per append, with
 * the `sequence` of its last event. State rows can be large and are found by key; event rows arrive in order of time.
 * So neither table is clustered by its key. `journal_keys` holds the recorded digests, each with its event; its rows
 * are small and consist of the key only. `store_format` has one row: the highest format of any state (StoreFormat).
 */
const journal = ({ id, keyed, rewritten }: Dialect.Dialect) => [
  `CREATE TABLE journal_state (
    kind ${id} NOT NULL,
    id ${id} NOT NULL,
    sequence bigint NOT NULL,
    state text NOT NULL,
    alarm_millis bigint,
    PRIMARY KEY (kind, id)
  ) ${rewritten}`,
  `CREATE INDEX journal_state_alarm ON journal_state (kind, alarm_millis, id) WHERE alarm_millis IS NOT NULL`,
  `CREATE TABLE journal_events (
    kind ${id} NOT NULL,
    id ${id} NOT NULL,
    sequence bigint NOT NULL,
    events text NOT NULL,
    PRIMARY KEY (kind, id, sequence)
  )`,
  `CREATE TABLE journal_keys (
    kind ${id} NOT NULL,
    id ${id} NOT NULL,
    digest ${id} NOT NULL,
    sequence bigint NOT NULL,
    PRIMARY KEY (kind, id, digest)
  ) ${keyed}`,
  `CREATE TABLE store_format (format bigint NOT NULL)`,
  `INSERT INTO store_format VALUES (${StoreFormat.current})`
]

/** The tables of `Directory`. Roles are a JSON array. */
const directory = ({ id }: Dialect.Dialect) => [
  `CREATE TABLE users (id ${id} PRIMARY KEY, roles text NOT NULL)`,
  `CREATE TABLE accounts (id ${id} PRIMARY KEY, active boolean NOT NULL)`,
  `CREATE TABLE account_members (
    account_id ${id} NOT NULL REFERENCES accounts ON DELETE CASCADE,
    user_id ${id} NOT NULL REFERENCES users ON DELETE CASCADE,
    PRIMARY KEY (account_id, user_id)
  )`,
  `CREATE INDEX account_members_user ON account_members (user_id)`,
  `CREATE TABLE stores (id ${id} PRIMARY KEY)`,
  `CREATE TABLE store_members (
    store_id ${id} NOT NULL REFERENCES stores ON DELETE CASCADE,
    account_id ${id} NOT NULL REFERENCES accounts ON DELETE CASCADE,
    PRIMARY KEY (store_id, account_id)
  )`,
  `CREATE INDEX store_members_account ON store_members (account_id)`,
  `CREATE TABLE carts (
    id ${id} PRIMARY KEY,
    store_id ${id} NOT NULL,
    account_id ${id} NOT NULL,
    owner_id ${id} NOT NULL,
    status text NOT NULL
  )`
]

/** The table of `ApiKeys`. `digest` is that of the secret, which is not stored. Roles are a JSON array. */
const apiKeys = ({ id }: Dialect.Dialect) => [
  `CREATE TABLE api_keys (
    id ${id} PRIMARY KEY,
    label text NOT NULL,
    digest text NOT NULL,
    user_id ${id} NOT NULL,
    roles text NOT NULL,
    account_id ${id},
    created_at bigint NOT NULL,
    expires_at bigint,
    revoked_at bigint
  )`
]

/**
 * `journal_body` holds the large part of a state separately, so that reading or changing the rest does not touch it. If
 * `behind` in the state row is not null, there is a body. It is the first event whose change the body lacks; 0: none.
 */
const bodies = ({ id, rewrittenLarge, schema }: Dialect.Dialect) => [
  `CREATE TABLE journal_body (
    kind ${id} NOT NULL,
    id ${id} NOT NULL,
    body text NOT NULL,
    PRIMARY KEY (kind, id)
  ) ${rewrittenLarge}`,
  "ALTER TABLE journal_state ADD COLUMN behind bigint",
  "DROP VIEW IF EXISTS journal_append",
  ...schema
]

/**
 * `session_list` is the table for lists: one row per session, written after the commits (SessionListSql). Its indexes
 * end with the id, so that a page is one range.
 */
const sessionList = ({ id, rewritten }: Dialect.Dialect) => [
  `CREATE TABLE session_list (
    id ${id} NOT NULL PRIMARY KEY,
    sequence bigint NOT NULL,
    cart_id ${id} NOT NULL,
    state text NOT NULL,
    archived bigint NOT NULL,
    closed_by text,
    operation_id text,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL
  ) ${rewritten}`,
  `CREATE INDEX session_list_state ON session_list (archived, state, id)`,
  `CREATE INDEX session_list_live ON session_list (id) WHERE archived = 0`,
  `CREATE INDEX session_list_cart ON session_list (cart_id, id)`,
  `CREATE INDEX session_list_claim ON session_list (id) WHERE operation_id IS NOT NULL`
]

/** Indexes for the operators' list: sessions with a running task, longest unchanged first; closed sessions by id. */
const sessionListOrders = () => [
  `CREATE INDEX session_list_running ON session_list (updated_at, id) WHERE operation_id IS NOT NULL`,
  `CREATE INDEX session_list_closed ON session_list (id) WHERE archived = 1`
]

const steps = {
  "0001_journal": execute(journal),
  "0002_directory": execute(directory),
  "0003_api_keys": execute(apiKeys),
  "0004_bodies": execute(bodies),
  "0005_session_list": execute(sessionList),
  "0006_session_list_orders": execute(sessionListOrders)
}

/** The names of the steps, in order, as `run` returns them. */
export const names: ReadonlyArray<string> = Object.keys(steps).map((name) => name.replace(/^\d+_/, ""))

/** The newest step of this release. */
export const newest = names.length

/** The current step of a database; 0: it has none of our tables. Changes nothing. */
export const current: Effect.Effect<number, never, SqlClient> = Effect.flatMap(SqlClient, (sql) =>
  sql<{ readonly newest: number }>`SELECT max(migration_id) AS newest FROM ${sql(table)}`.pipe(
    Effect.map((rows) => Number(rows[0]?.newest ?? 0)),
    Effect.catchAll(() => Effect.succeed(0))
  )
)

/** What is wrong and what to do, by reason of the database's own error. */
const faults: Readonly<Record<string, readonly [DatabaseRefused["reason"], string]>> = {
  CORRUPT: ["CORRUPT", StoreDamage.advice("it is damaged")],
  NOT_A_DATABASE: ["CORRUPT", StoreDamage.advice("it is damaged")],
  DISK_FULL: ["DISK_FULL", "The disk is full: make room, then start again."],
  READONLY: ["READONLY", "The store cannot be written."],
  IO: ["IO", "The disk answered with an error."]
}

const refuse =
  (dialect: Dialect.Dialect) =>
  (cause: unknown): DatabaseRefused => {
    const [reason, message] = faults[dialect.failureOf(StoreDamage.root(cause)).reason] ?? [
      "MIGRATION",
      "The tables could not be brought up to date."
    ]
    return new DatabaseRefused({ reason, message, cause })
  }

const check = (found: number): Effect.Effect<void, DatabaseRefused> => {
  if (found === newest) return Effect.void
  const message = `The database is at step ${found}, this release knows ${newest} steps.`
  return Effect.fail(new DatabaseRefused({ reason: found > newest ? "NEWER" : "MIGRATION", message }))
}

/** The store format of a database; null: it has none of our tables. Changes nothing. */
export const format: Effect.Effect<number | null, never, SqlClient> = Effect.flatMap(SqlClient, (sql) =>
  sql<{ readonly format: number }>`SELECT max(format) AS format FROM store_format`.pipe(
    Effect.map((rows) => (rows[0]?.format == null ? null : Number(rows[0].format))),
    Effect.catchAll(() => Effect.succeed(null))
  )
)

/** The message that refuses a store in a newer format. */
export const newerFormat = (found: number): string =>
  `The store is in format ${found}, this release knows format ${StoreFormat.current}: use a newer release.`

// From here on the store is in this release's format.
const claimFormat = Effect.gen(function* () {
  const sql = yield* SqlClient
  const found = (yield* format) ?? StoreFormat.current
  if (found > StoreFormat.current) return yield* new DatabaseRefused({ reason: "NEWER", message: newerFormat(found) })
  if (found < StoreFormat.current) yield* sql`UPDATE store_format SET format = ${StoreFormat.current}`
})

/** Runs the missing steps. Returns their names; none for a new SQLite file, which is created with its tables. */
export const run: Effect.Effect<ReadonlyArray<string>, DatabaseRefused, SqlClient> = Effect.gen(function* () {
  const sql = yield* SqlClient
  // Servers that start together on an empty database race to create the library's table; the losers fail.
  const ran = yield* Effect.retry(Migrator.make({})({ loader: Migrator.fromRecord(steps), table }), { times: 3 })
  // The library mistakes any failure of its first write for a concurrent migrator, so check the result.
  const rows = yield* sql<{ readonly newest: number }>`SELECT max(migration_id) AS newest FROM ${sql(table)}`
  yield* check(Number(rows[0]?.newest ?? 0))
  const absent = yield* StoreDamage.missingTables
  if (absent.length > 0)
    return yield* new DatabaseRefused({ reason: "CORRUPT", message: StoreDamage.advice(StoreDamage.lack(absent)) })
  yield* claimFormat
  return ran.map(([, name]) => name)
}).pipe(
  // The library reports a failing step as a defect, and also a failing rollback.
  Effect.catchAllDefect(Effect.fail),
  Effect.catchAll((error) =>
    error instanceof DatabaseRefused
      ? Effect.fail(error)
      : Effect.flatMap(SqlClient, (sql) => Effect.fail(refuse(Dialect.of(sql))(error)))
  )
)

/** Migrates the tables once, for all layers that depend on them. */
export const layer: Layer.Layer<never, DatabaseRefused, SqlClient> = Layer.effectDiscard(run)
