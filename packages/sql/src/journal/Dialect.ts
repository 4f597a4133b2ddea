/**
 * Dialect: all differences between databases. Another database is another value of this shape.
 */
import type { SqlClient } from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import type { Fragment, Statement } from "@effect/sql/Statement"
import { Journal } from "@onelane/engine"
import * as Effect from "effect/Effect"
import * as PostgresArray from "../postgres/PostgresArray.js"
import * as PostgresFailure from "../postgres/PostgresFailure.js"
import * as SqliteFailure from "../sqlite/SqliteFailure.js"
import * as SqliteMark from "../sqlite/SqliteMark.js"
import type { Rows } from "./Statements.js"

/**
 * One entry of a commit as columns: `expected` is the sequence before it, `sequence` the one after. State and events
 * are JSON texts.
 */
export interface AppendRow {
  readonly kind: string
  readonly id: string
  readonly expected: number
  readonly sequence: number
  readonly state: string
  readonly alarm_millis: number | null
  readonly events: string
  /** Digests it records, each with the sequence of its event. */
  readonly records: ReadonlyArray<Pick<Journal.JournalRecord, "digest" | "sequence">>
  /** The body as JSON text; null: the stored one stays. */
  readonly body: string | null
  /** The first event that the stored body lacks, 0 for none; null: as before. */
  readonly behind: number | null
}

/** What the entries of a commit contain. A form with fewer parts has a cheaper statement. */
export interface AppendForm {
  /** Some are the first of their address. */
  readonly first: boolean
  /** Some record digests. */
  readonly keyed: boolean
  /** Some say something about the body. */
  readonly bodied: boolean
}

/** The properties and statements of a database. */
export interface Dialect {
  /** Whether this client is the only writer. */
  readonly exclusive: boolean
  /** Concurrent appends it accepts. */
  readonly appendsAtOnce: number
  /** The type of an id column: compared and sorted by character. */
  readonly id: string
  /** Options of a table whose rows are updated often. */
  readonly rewritten: string
  /** The same where rows are large. */
  readonly rewrittenLarge: string
  /** Options of a table whose rows are mostly key. */
  readonly keyed: string
  /** The aggregate that joins texts with a separator. */
  readonly joined: string
  /** Before and after the name of a member: its text in the last event of a row `event` of `journal_events`. */
  readonly lastEvent: readonly [before: string, after: string]
  /** The rows of a query as one JSON text: `[[sequence, events], …]` in order; null without rows. */
  readonly eventsAsText: string
  /** Around a JSON array: what unfolds it into rows, and the name of its column `value`. */
  readonly entries: readonly [before: string, after: string, column: string]
  /** Schema objects that the append needs besides tables. */
  readonly schema: ReadonlyArray<string>
  /** The database's time, epoch milliseconds, as an expression; null if this process's clock is used. */
  readonly millis: Fragment | null
  /** The statement of a commit, atomic by itself. Its rows have the database's time as `at_millis`, if that is used. */
  readonly append: (form: AppendForm) => Statement<object>
  /** Its parameters. */
  readonly encode: (rows: ReadonlyArray<AppendRow>, form: AppendForm) => ReadonlyArray<unknown>
  /** The positions of the committed entries, from the rows of an append. */
  readonly committed: (rows: Rows) => ReadonlyArray<number>
  /** Classifies an error. */
  readonly failureOf: (cause: unknown) => Journal.JournalFailure
  /** Runs a removal so that removed bytes are overwritten, if the database supports it. */
  readonly whileRemoving: <A>(removal: Effect.Effect<A, SqlError>) => Effect.Effect<A, SqlError>
  /** Rewrites the files without removed or replaced data. */
  readonly compact: Effect.Effect<void, SqlError>
}

const overwriting = (sql: SqlClient): Pick<Dialect, "whileRemoving" | "compact"> => ({
  whileRemoving: (removal) =>
    Effect.acquireUseRelease(
      sql.unsafe("PRAGMA secure_delete=ON"),
      () => removal,
      () => Effect.ignore(sql.unsafe("PRAGMA secure_delete=OFF"))
    ),
  // Replaced data stays in free parts of pages until those are rewritten, and in the log until it is emptied. During
  // this the file is marked as complete without its log (SqlitePaths).
  compact: Effect.forEach(
    [
      "VACUUM",
      `PRAGMA user_version=${SqliteMark.alone}`,
      "PRAGMA wal_checkpoint(TRUNCATE)",
      `PRAGMA user_version=${SqliteMark.withLog}`,
      "PRAGMA wal_checkpoint(PASSIVE)"
    ],
    (text) => sql.unsafe(text),
    { discard: true }
  )
})

/**
 * SQLite: the entries are unfolded by `json_each` and those that pass the fence (A4: the expected sequence, and no
 * digest that is recorded already) are inserted into a view, whose triggers write the events, the state row, the
 * digests and the body. No explicit transaction: the statement is one. The alarm has an index and is written only when
 * it changed, which saves most updates a page. CROSS JOIN fixes the join order: the other order reads all digests of
 * the address for each entry.
 */
const sqlite = (sql: SqlClient): Dialect => ({
  exclusive: true,
  appendsAtOnce: 1,
  id: "text",
  rewritten: "",
  rewrittenLarge: "",
  keyed: "WITHOUT ROWID",
  joined: "group_concat",
  lastEvent: ["event.events->>'$[#-1].", "'"],
  eventsAsText: "json_group_array(json_array(sequence, json(events)))",
  millis: null,
  entries: ["json_each(", ")", ""],
  schema: sqliteSchema,
  append: ({ bodied }) => {
    const [values, columns] = bodied
      ? [sql.literal(", value->>8 AS body, value->>9 AS behind"), sql.literal(", body, behind")]
      : [sql.literal(""), sql.literal("")]
    return sql`
    WITH entry AS (
      SELECT key AS position, value->>0 AS kind, value->>1 AS id, value->>2 AS expected, value->>3 AS sequence,
        value->>4 AS state, value->>5 AS alarm_millis, value->>6 AS events, value->>7 AS records${values}
      FROM json_each(${"entries"})
    )
    INSERT INTO journal_append (position, kind, id, expected, sequence, state, alarm_millis, events, records${columns})
    SELECT entry.* FROM entry
    LEFT JOIN journal_state AS present ON present.kind = entry.kind AND present.id = entry.id
    WHERE coalesce(present.sequence, 0) = entry.expected AND (entry.records IS NULL OR NOT EXISTS (
      SELECT 1 FROM json_each(entry.records) AS record CROSS JOIN journal_keys AS known
      ON known.kind = entry.kind AND known.id = entry.id AND known.digest = record.value->>0
    ))
    RETURNING position`
  },
  encode: (rows, { bodied }) => [JSON.stringify(rows.map(bodied ? toListWithBody : toList))],
  committed: (rows) => rows.map(({ position }) => Number(position)),
  failureOf: (cause) => {
    const { applied, reason } = SqliteFailure.classify(cause)
    return Journal.failure(applied, reason, cause)
  },
  ...overwriting(sql)
})

const sqliteSchema = [
  `CREATE VIEW journal_append
      (position, kind, id, expected, sequence, state, alarm_millis, events, records, body, behind) AS
      SELECT 0, kind, id, sequence, sequence, state, alarm_millis, '[]', NULL, NULL, behind FROM journal_state`,
  `CREATE TRIGGER journal_append_records INSTEAD OF INSERT ON journal_append WHEN NEW.records IS NOT NULL BEGIN
      INSERT INTO journal_keys (kind, id, digest, sequence)
        SELECT NEW.kind, NEW.id, value->>0, value->>1 FROM json_each(NEW.records);
    END`,
  `CREATE TRIGGER journal_append_body INSTEAD OF INSERT ON journal_append WHEN NEW.body IS NOT NULL BEGIN
      INSERT INTO journal_body (kind, id, body) VALUES (NEW.kind, NEW.id, NEW.body)
        ON CONFLICT (kind, id) DO UPDATE SET body = excluded.body;
    END`,
  `CREATE TRIGGER journal_append_first INSTEAD OF INSERT ON journal_append WHEN NEW.expected = 0 BEGIN
      INSERT INTO journal_state (kind, id, sequence, state, alarm_millis, behind)
        VALUES (NEW.kind, NEW.id, NEW.sequence, NEW.state, NEW.alarm_millis, NEW.behind);
      INSERT INTO journal_events (kind, id, sequence, events) VALUES (NEW.kind, NEW.id, NEW.sequence, NEW.events);
    END`,
  `CREATE TRIGGER journal_append_next INSTEAD OF INSERT ON journal_append WHEN NEW.expected > 0 BEGIN
      UPDATE journal_state SET sequence = NEW.sequence, state = NEW.state, behind = coalesce(NEW.behind, behind)
        WHERE kind = NEW.kind AND id = NEW.id;
      UPDATE journal_state SET alarm_millis = NEW.alarm_millis
        WHERE kind = NEW.kind AND id = NEW.id AND alarm_millis IS NOT NEW.alarm_millis;
      INSERT INTO journal_events (kind, id, sequence, events) VALUES (NEW.kind, NEW.id, NEW.sequence, NEW.events);
    END`
]

const toList = ({ alarm_millis, events, expected, id, kind, records, sequence, state }: AppendRow) => [
  ...[kind, id, expected, sequence, state, alarm_millis, events],
  records.length === 0 ? null : records.map((record) => [record.digest, record.sequence])
]

const toListWithBody = (row: AppendRow) => [...toList(row), row.body, row.behind]

const byteText = `text COLLATE "C"`

/**
 * PostgreSQL has other writers. An entry passes the fence (A4) if its state row is at the expected sequence: the second
 * of two writers waits for the first, reads the row again, and gets a conflict. A first entry passes if there is no
 * row. The primary key of `journal_events` is a second guard. Entries are sorted by key, so rows are locked in that
 * order, existing ones before new ones, and two commits cannot deadlock; if the planner ever chose another order,
 * PostgreSQL would abort one of the two, certainly not applied. Entries are passed as arrays, which cost a tenth of
 * parsing JSON. The result is one row, which is cheaper than a row per entry. Without first entries the arrays are used
 * without a copy.
 */
const postgres = (sql: SqlClient): Dialect => ({
  exclusive: false,
  appendsAtOnce: 2,
  id: byteText,
  rewritten: "WITH (fillfactor = 70)",
  // A body of up to 8 KB stays in its row, which costs half as much as external storage.
  rewrittenLarge: "WITH (fillfactor = 70, toast_tuple_target = 8160)",
  keyed: "",
  joined: "string_agg",
  lastEvent: ["event.events::json->-1->>'", "'"],
  eventsAsText: "json_agg(json_build_array(sequence, events::json) ORDER BY sequence)::text",
  entries: ["json_array_elements(CAST(", " AS json))", "(value)"],
  schema: [],
  millis: millis(sql),
  append: (form) => (form.first ? appendFirst(sql, partsOf(sql, form)) : appendNext(sql, partsOf(sql, form))),
  encode: (rows, { bodied, keyed }) => {
    const { columns, sorted } = inOrderOfKeys(rows)
    if (keyed)
      columns.push(
        PostgresArray.ofTexts(sorted.map(({ records }) => records.map(({ digest }) => digest).join(" "))),
        PostgresArray.ofTexts(sorted.map(({ records }) => records.map(({ sequence }) => sequence).join(" ")))
      )
    if (bodied)
      columns.push(
        PostgresArray.ofTexts(sorted.map(({ body }) => body)),
        PostgresArray.ofIntegers(sorted.map(({ behind }) => behind))
      )
    return columns
  },
  committed: ([row]) => (row!.positions as ReadonlyArray<number> | null) ?? [],
  failureOf: (cause) => {
    const { applied, reason } = PostgresFailure.classify(cause)
    return Journal.failure(applied, reason, cause)
  },
  whileRemoving: (removal) => removal,
  // PostgreSQL's autovacuum does that, while it runs (docs/operate/personal-data.md).
  compact: Effect.void
})

/** The parts that differ between appends with and without digests and bodies. */
interface AppendParts {
  /** The entries, unfolded. */
  readonly entries: Fragment
  /** Columns of an entry needed by later parts. */
  readonly carried: Fragment
  readonly carriedOfEntry: Fragment
  /** Additional columns to set: the column, and its value. */
  readonly alsoSet: Fragment
  readonly alsoColumn: Fragment
  /** The fence for digests. */
  readonly isNew: Fragment
  /** Writes digests and bodies. */
  readonly besides: Fragment
}

const partsOf = (sql: SqlClient, { bodied, keyed }: AppendForm): AppendParts => {
  const columns = [...(keyed ? ["digests", "recorded"] : []), ...(bodied ? ["body", "behind"] : [])]
  const list = (prefix: string) => sql.literal(columns.map((column) => `, ${prefix}${column}`).join(""))
  const ofDigests = keyed ? sql`, ${"digests"}::text[], ${"recorded"}::text[]` : sql.literal("")
  const ofBodies = bodied ? sql`, ${"bodies"}::text[], ${"behind"}::bigint[]` : sql.literal("")
  return {
    entries: sql`unnest(${"positions"}::bigint[], ${"kinds"}::text[], ${"ids"}::text[], ${"expected"}::bigint[],
        ${"sequences"}::bigint[], ${"states"}::text[], ${"alarms"}::bigint[], ${"events"}::text[]${ofDigests}${ofBodies})
        AS entry (position, kind, id, expected, sequence, state, alarm_millis, events${list("")})`,
    carried: list(""),
    carriedOfEntry: list("entry."),
    alsoSet: sql.literal(bodied ? ", behind = coalesce(entry.behind, moving.behind)" : ""),
    alsoColumn: sql.literal(bodied ? ", behind" : ""),
    isNew: sql.literal(keyed ? isNew : ""),
    besides: sql.literal(`${keyed ? writesDigests : ""}${bodied ? writesBodies : ""}`)
  }
}

/**
 * Digests are passed as one text per entry and split there; none may be recorded already. They are looked up before the
 * row is locked, which suffices: recording one meanwhile would also have moved the sequence. OFFSET keeps the look-up
 * separate for each entry, so that it uses the whole key.
 */
const isNew = `AND NOT EXISTS (
        SELECT 1 FROM journal_keys AS known
        WHERE known.kind = entry.kind COLLATE "C" AND known.id = entry.id COLLATE "C"
        AND known.digest = ANY (string_to_array(entry.digests, ' ') COLLATE "C") OFFSET 0
      )`

const writesDigests = `keyed AS (
      INSERT INTO journal_keys (kind, id, digest, sequence)
      SELECT kind, id, added.digest, added.sequence FROM committed
      CROSS JOIN unnest(string_to_array(digests, ' '), string_to_array(recorded, ' ')::bigint[])
      AS added (digest, sequence)
    ),`

const writesBodies = `bodied AS (
      INSERT INTO journal_body (kind, id, body) SELECT kind, id, body FROM committed WHERE body IS NOT NULL
      ON CONFLICT (kind, id) DO UPDATE SET body = excluded.body
    ),`

const appendFirst = (sql: SqlClient, parts: AppendParts) => {
  const { alsoColumn, alsoSet, besides, carried, carriedOfEntry, entries, isNew } = parts
  const bytewise = sql.literal(`COLLATE "C"`)
  return sql`
    WITH entry AS MATERIALIZED (
      SELECT position, kind ${bytewise} AS kind, id ${bytewise} AS id, expected, sequence, state, alarm_millis, events
        ${carried}
      FROM ${entries}
    ), moved AS (
      UPDATE journal_state AS moving
      SET sequence = entry.sequence, state = entry.state, alarm_millis = entry.alarm_millis ${alsoSet} FROM entry
      WHERE moving.kind = entry.kind AND moving.id = entry.id AND moving.sequence = entry.expected ${isNew}
      RETURNING entry.position, entry.kind, entry.id, entry.sequence, entry.events ${carriedOfEntry}
    ), opened AS (
      INSERT INTO journal_state (kind, id, sequence, state, alarm_millis ${alsoColumn})
      SELECT kind, id, sequence, state, alarm_millis ${alsoColumn} FROM entry
      WHERE expected = 0 AND (SELECT count(*) FROM moved) >= 0 ${isNew} ORDER BY kind, id
      ON CONFLICT (kind, id) DO NOTHING RETURNING kind, id
    ), committed AS (
      SELECT * FROM moved UNION ALL SELECT position, kind, id, sequence, events ${carried} FROM entry
      WHERE expected = 0 AND ((kind, id) IN (SELECT kind, id FROM opened)) IS TRUE
    ), ${besides} ${written(sql)}`
}

const appendNext = (sql: SqlClient, { alsoSet, besides, carriedOfEntry, entries, isNew }: AppendParts) => {
  const bytewise = sql.literal(`COLLATE "C"`)
  return sql`
    WITH committed AS (
      UPDATE journal_state AS moving
      SET sequence = entry.sequence, state = entry.state, alarm_millis = entry.alarm_millis ${alsoSet} FROM ${entries}
      WHERE moving.kind = entry.kind ${bytewise} AND moving.id = entry.id ${bytewise} AND moving.sequence = entry.expected
        ${isNew}
      RETURNING entry.position, moving.kind, moving.id, entry.sequence, entry.events ${carriedOfEntry}
    ), ${besides} ${written(sql)}`
}

const millis = (sql: SqlClient) => sql`(extract(epoch FROM clock_timestamp()) * 1000)::float8`

const written = (sql: SqlClient) => sql`written AS (
      INSERT INTO journal_events (kind, id, sequence, events) SELECT kind, id, sequence, events FROM committed
    )
    SELECT json_agg(position) AS positions, ${millis(sql)} AS at_millis FROM committed`

const inOrderOfKeys = (
  rows: ReadonlyArray<AppendRow>
): { readonly columns: Array<unknown>; readonly sorted: ReadonlyArray<AppendRow> } => {
  const positions = Array.from(rows.keys()).sort((left, right) => byKey(rows[left]!, rows[right]!))
  const sorted = positions.map((position) => rows[position]!)
  const columns = [
    PostgresArray.ofIntegers(positions),
    PostgresArray.ofTexts(sorted.map(({ kind }) => kind)),
    PostgresArray.ofTexts(sorted.map(({ id }) => id)),
    PostgresArray.ofIntegers(sorted.map(({ expected }) => expected)),
    PostgresArray.ofIntegers(sorted.map(({ sequence }) => sequence)),
    PostgresArray.ofTexts(sorted.map(({ state }) => state)),
    PostgresArray.ofIntegers(sorted.map(({ alarm_millis }) => alarm_millis)),
    PostgresArray.ofTexts(sorted.map(({ events }) => events))
  ]
  return { columns, sorted }
}

// Any order works if all writers use the same.
const byKey = (left: AppendRow, right: AppendRow): number =>
  left.id < right.id ? -1 : left.id > right.id ? 1 : left.kind < right.kind ? -1 : 1

/** Returns the dialect of a client. Throws if there is none. */
export const of = (sql: SqlClient): Dialect =>
  sql.onDialectOrElse({
    sqlite: () => sqlite(sql),
    pg: () => postgres(sql),
    orElse: (): Dialect => {
      throw new TypeError("this database has no dialect in @onelane/sql")
    }
  })
