/**
 * Dialect: everything in which databases differ, and nothing else. A further database is a further value of this shape.
 */
import type { SqlClient } from "@effect/sql/SqlClient"
import type { Statement } from "@effect/sql/Statement"
import { Journal } from "@onelane/engine"
import * as PostgresArray from "../postgres/PostgresArray.js"
import * as PostgresFailure from "../postgres/PostgresFailure.js"
import * as SqliteFailure from "../sqlite/SqliteFailure.js"
import type { Rows } from "./Prepared.js"

/** One entry of a commit as columns: `expected` is the sequence before it, `sequence` the one after. State and events are JSON texts. */
export interface AppendRow {
  readonly kind: string
  readonly id: string
  readonly expected: number
  readonly sequence: number
  readonly state: string
  readonly alarm_millis: number | null
  readonly events: string
}

/** What a database must say for itself. */
export interface Dialect {
  /** Whether nobody but this client can write. */
  readonly exclusive: boolean
  /** How many appends it takes at once. */
  readonly appendsAtOnce: number
  /** The type of a column that holds an id: compared, and sorted, character by character. */
  readonly id: string
  /** What a table is made with whose rows are written again and again. */
  readonly rewritten: string
  /** What the append needs besides the tables. */
  readonly schema: ReadonlyArray<string>
  /** The one statement of a commit. Atomic by itself. */
  readonly append: Statement<object>
  /** The same for a commit without first entries, the usual one. */
  readonly appendNext: Statement<object>
  /** The parameters of either. */
  readonly encode: (rows: ReadonlyArray<AppendRow>) => ReadonlyArray<unknown>
  /** The positions of the entries that were committed, as the rows of either name them; null: all of them. */
  readonly committed: (rows: Rows, entries: number) => ReadonlySet<number> | null
  /** What an error means. */
  readonly failureOf: (cause: unknown) => Journal.JournalFailure
}

/**
 * SQLite: the entries are unfolded by `json_each` and those at the expected sequence (A4 fence) are inserted into a view,
 * whose triggers write the events and the state row. No explicit transaction: the statement is one. The alarm has an
 * index and is written only when it changed, which spares most updates a page.
 */
const sqlite = (sql: SqlClient): Dialect => {
  const append = sql`
    WITH entry AS (
      SELECT key AS position, value->>0 AS kind, value->>1 AS id, value->>2 AS expected, value->>3 AS sequence,
        value->>4 AS state, value->>5 AS alarm_millis, value->>6 AS events
      FROM json_each(${"entries"})
    )
    INSERT INTO journal_append (position, kind, id, expected, sequence, state, alarm_millis, events)
    SELECT entry.* FROM entry
    LEFT JOIN journal_state AS present ON present.kind = entry.kind AND present.id = entry.id
    WHERE coalesce(present.sequence, 0) = entry.expected
    RETURNING position`
  return {
    exclusive: true,
    appendsAtOnce: 1,
    id: "text",
    rewritten: "",
    schema: [
      `CREATE VIEW journal_append (position, kind, id, expected, sequence, state, alarm_millis, events) AS
      SELECT 0, kind, id, sequence, sequence, state, alarm_millis, '[]' FROM journal_state`,
      `CREATE TRIGGER journal_append_first INSTEAD OF INSERT ON journal_append WHEN NEW.expected = 0 BEGIN
      INSERT INTO journal_state (kind, id, sequence, state, alarm_millis)
        VALUES (NEW.kind, NEW.id, NEW.sequence, NEW.state, NEW.alarm_millis);
      INSERT INTO journal_events (kind, id, sequence, events) VALUES (NEW.kind, NEW.id, NEW.sequence, NEW.events);
    END`,
      `CREATE TRIGGER journal_append_next INSTEAD OF INSERT ON journal_append WHEN NEW.expected > 0 BEGIN
      UPDATE journal_state SET sequence = NEW.sequence, state = NEW.state WHERE kind = NEW.kind AND id = NEW.id;
      UPDATE journal_state SET alarm_millis = NEW.alarm_millis
        WHERE kind = NEW.kind AND id = NEW.id AND alarm_millis IS NOT NEW.alarm_millis;
      INSERT INTO journal_events (kind, id, sequence, events) VALUES (NEW.kind, NEW.id, NEW.sequence, NEW.events);
    END`
    ],
    append,
    appendNext: append,
    encode: (rows) => [
      JSON.stringify(
        rows.map(({ alarm_millis, events, expected, id, kind, sequence, state }) => [
          ...[kind, id, expected, sequence, state, alarm_millis, events]
        ])
      )
    ],
    committed: (rows, entries) =>
      rows.length === entries ? null : new Set(rows.map(({ position }) => Number(position))),
    failureOf: (cause) => {
      const { applied, reason } = SqliteFailure.classify(cause)
      return Journal.failure(applied, reason, cause)
    }
  }
}

const byteText = `text COLLATE "C"`

/**
 * PostgreSQL, others writing too. An entry passes the fence (A4) when its state row is at the expected sequence: who comes
 * second waits for the first, looks again, and is a conflict. A first entry passes when nobody else's row is there. The
 * key of `journal_events` would refuse what passed by mistake. Entries come, and so are rows locked, in the order of their
 * keys, present ones before new ones, so that two commits do not wait for each other in a circle; should the planner ever
 * choose another order, PostgreSQL ends one of the two, certainly not applied. They come as arrays, which cost a tenth of
 * a JSON text to take apart. The answer is one row, which costs less than a row an entry, here and there. Without first
 * entries the arrays are updated from as they are unfolded, without a copy.
 */
const postgres = (sql: SqlClient): Dialect => {
  const entries = sql`unnest(${"positions"}::bigint[], ${"kinds"}::text[], ${"ids"}::text[], ${"expected"}::bigint[],
        ${"sequences"}::bigint[], ${"states"}::text[], ${"alarms"}::bigint[], ${"events"}::text[])
        AS entry (position, kind, id, expected, sequence, state, alarm_millis, events)`
  const bytewise = sql.literal(`COLLATE "C"`)
  const written = sql`written AS (
      INSERT INTO journal_events (kind, id, sequence, events) SELECT kind, id, sequence, events FROM committed
    )
    SELECT json_agg(position) AS positions FROM committed`
  return {
    exclusive: false,
    appendsAtOnce: 2,
    id: byteText,
    rewritten: "WITH (fillfactor = 70)",
    schema: [],
    append: sql`
    WITH entry AS MATERIALIZED (
      SELECT position, kind ${bytewise} AS kind, id ${bytewise} AS id, expected, sequence, state, alarm_millis, events
      FROM ${entries}
    ), moved AS (
      UPDATE journal_state AS moving
      SET sequence = entry.sequence, state = entry.state, alarm_millis = entry.alarm_millis FROM entry
      WHERE moving.kind = entry.kind AND moving.id = entry.id AND moving.sequence = entry.expected
      RETURNING entry.position, entry.kind, entry.id, entry.sequence, entry.events
    ), opened AS (
      INSERT INTO journal_state (kind, id, sequence, state, alarm_millis)
      SELECT kind, id, sequence, state, alarm_millis FROM entry
      WHERE expected = 0 AND (SELECT count(*) FROM moved) >= 0 ORDER BY kind, id
      ON CONFLICT (kind, id) DO NOTHING RETURNING kind, id
    ), committed AS (
      SELECT * FROM moved UNION ALL SELECT position, kind, id, sequence, events FROM entry
      WHERE expected = 0 AND ((kind, id) IN (SELECT kind, id FROM opened)) IS TRUE
    ), ${written}`,
    appendNext: sql`
    WITH committed AS (
      UPDATE journal_state AS moving
      SET sequence = entry.sequence, state = entry.state, alarm_millis = entry.alarm_millis FROM ${entries}
      WHERE moving.kind = entry.kind ${bytewise} AND moving.id = entry.id ${bytewise} AND moving.sequence = entry.expected
      RETURNING entry.position, moving.kind, moving.id, entry.sequence, entry.events
    ), ${written}`,
    encode: inOrderOfKeys,
    committed: ([row], entries) => {
      const positions = (row!.positions as ReadonlyArray<number> | null) ?? []
      return positions.length === entries ? null : new Set(positions)
    },
    failureOf: (cause) => {
      const { applied, reason } = PostgresFailure.classify(cause)
      return Journal.failure(applied, reason, cause)
    }
  }
}

const inOrderOfKeys = (rows: ReadonlyArray<AppendRow>): ReadonlyArray<unknown> => {
  const positions = Array.from(rows.keys()).sort((left, right) => byKey(rows[left]!, rows[right]!))
  const sorted = positions.map((position) => rows[position]!)
  return [
    PostgresArray.ofIntegers(positions),
    PostgresArray.ofTexts(sorted.map(({ kind }) => kind)),
    PostgresArray.ofTexts(sorted.map(({ id }) => id)),
    PostgresArray.ofIntegers(sorted.map(({ expected }) => expected)),
    PostgresArray.ofIntegers(sorted.map(({ sequence }) => sequence)),
    PostgresArray.ofTexts(sorted.map(({ state }) => state)),
    PostgresArray.ofIntegers(sorted.map(({ alarm_millis }) => alarm_millis)),
    PostgresArray.ofTexts(sorted.map(({ events }) => events))
  ]
}

// Any order will do that is everybody's.
const byKey = (left: AppendRow, right: AppendRow): number =>
  left.id < right.id ? -1 : left.id > right.id ? 1 : left.kind < right.kind ? -1 : 1

/** The dialect a client speaks. Throws for one that has none here. */
export const of = (sql: SqlClient): Dialect =>
  sql.onDialectOrElse({
    sqlite: () => sqlite(sql),
    pg: () => postgres(sql),
    orElse: (): Dialect => {
      throw new TypeError("this database has no dialect in @onelane/sql")
    }
  })
