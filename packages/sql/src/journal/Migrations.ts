/**
 * Migrations: brings the tables up to date, each step once and in order, and refuses a database that is newer than this
 * release. Owns the tables and says what each is for.
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
 * `journal_state` holds what an address is now, `journal_events` how it came there: one row an append, `sequence` being
 * that of its last event. Rows of the former can be large and are found by their key; those of the latter come in
 * order of time, so neither table is clustered by its key. `journal_keys` says which digests are recorded, and for which
 * event; its rows are small and nothing but a key. `store_format` has one row: the highest format of any state (StoreFormat).
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
 * `journal_body` holds the large part of a state, apart, so that whoever changes or reads the rest does not touch it. `behind`
 * says in the state row that there is one, and the first event whose change it lacks; 0: it lacks none.
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
 * `session_list` is what lists read: a row a session, written behind the commits (SessionListSql). Its indexes have the ids last, so
 * that a page is one range.
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

const steps = {
  "0001_journal": execute(journal),
  "0002_directory": execute(directory),
  "0003_api_keys": execute(apiKeys),
  "0004_bodies": execute(bodies),
  "0005_session_list": execute(sessionList)
}

/** The names of the steps, in their order, as `run` answers them. */
export const names: ReadonlyArray<string> = Object.keys(steps).map((name) => name.replace(/^\d+_/, ""))

/** The step this release brings a database to. */
export const newest = names.length

/** The step a database is at; 0: it has none of our tables. Changes nothing. */
export const current: Effect.Effect<number, never, SqlClient> = Effect.flatMap(SqlClient, (sql) =>
  sql<{ readonly newest: number }>`SELECT max(migration_id) AS newest FROM ${sql(table)}`.pipe(
    Effect.map((rows) => Number(rows[0]?.newest ?? 0)),
    Effect.catchAll(() => Effect.succeed(0))
  )
)

/** What is wrong, and what to do, where the database itself says it. */
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

/** The format a database is in; null: it has none of our tables. Changes nothing. */
export const format: Effect.Effect<number | null, never, SqlClient> = Effect.flatMap(SqlClient, (sql) =>
  sql<{ readonly format: number }>`SELECT max(format) AS format FROM store_format`.pipe(
    Effect.map((rows) => (rows[0]?.format == null ? null : Number(rows[0].format))),
    Effect.catchAll(() => Effect.succeed(null))
  )
)

/** The message that refuses a store in a newer format. */
export const newerFormat = (found: number): string =>
  `The store is in format ${found}, this release knows format ${StoreFormat.current}: use a newer release.`

// From here on this release writes its own format.
const claimFormat = Effect.gen(function* () {
  const sql = yield* SqlClient
  const found = (yield* format) ?? StoreFormat.current
  if (found > StoreFormat.current) return yield* new DatabaseRefused({ reason: "NEWER", message: newerFormat(found) })
  if (found < StoreFormat.current) yield* sql`UPDATE store_format SET format = ${StoreFormat.current}`
})

/** Runs what is missing. Answers the names of the steps that ran: none in a new SQLite file, which is made with its tables. */
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

/** Up-to-date tables, once for every layer that asks. */
export const layer: Layer.Layer<never, DatabaseRefused, SqlClient> = Layer.effectDiscard(run)
