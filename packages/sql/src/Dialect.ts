/**
 * Dialect: everything in which databases differ, and nothing else. A further database is a further value of this shape.
 */
import type { SqlClient } from "@effect/sql/SqlClient"
import type { Statement } from "@effect/sql/Statement"
import { Journal } from "@onelane/engine"
import * as PostgresFailure from "./PostgresFailure.js"
import * as SqliteFailure from "./SqliteFailure.js"

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
  /** The type of a column that holds an id: compared, and sorted, character by character. */
  readonly id: string
  /** What a table is made with whose rows are written again and again. */
  readonly rewritten: string
  /** What the append needs besides the tables. */
  readonly schema: ReadonlyArray<string>
  /**
   * The one statement of a commit. Its one parameter is a JSON array of rows, each as `encode` gives it; its own rows name
   * the `position` of every entry that was committed. Atomic by itself.
   */
  readonly append: Statement<{ readonly position: number }>
  readonly encode: (row: AppendRow, position: number) => unknown
  /** What an error means. */
  readonly failureOf: (cause: unknown) => Journal.JournalFailure
}

/**
 * SQLite: the entries are unfolded by `json_each` and those at the expected sequence (A4 fence) are inserted into a view,
 * whose triggers write the events and the state row. No explicit transaction: the statement is one. The alarm has an
 * index and is written only when it changed, which spares most updates a page.
 */
const sqlite = (sql: SqlClient): Dialect => ({
  exclusive: true,
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
  append: sql`
    WITH entry AS (
      SELECT key AS position, value->>0 AS kind, value->>1 AS id, value->>2 AS expected, value->>3 AS sequence,
        value->>4 AS state, value->>5 AS alarm_millis, value->>6 AS events
      FROM json_each(${"entries"})
    )
    INSERT INTO journal_append (position, kind, id, expected, sequence, state, alarm_millis, events)
    SELECT entry.* FROM entry
    LEFT JOIN journal_state AS present ON present.kind = entry.kind AND present.id = entry.id
    WHERE coalesce(present.sequence, 0) = entry.expected
    RETURNING position` as Statement<{ readonly position: number }>,
  encode: ({ alarm_millis, events, expected, id, kind, sequence, state }) => [
    ...[kind, id, expected, sequence, state, alarm_millis, events]
  ],
  failureOf: (cause) => {
    const { applied, reason } = SqliteFailure.classify(cause)
    return Journal.failure(applied, reason, cause)
  }
})

const byteText = `text COLLATE "C"`

/**
 * PostgreSQL, others writing too. An entry passes the fence (A4) when its state row is at the expected sequence, seen after
 * that row was locked: who comes second waits for the first, looks again, and is a conflict. A first entry passes when
 * nobody else's row is there. Rows are locked in the order of their keys, present ones before new ones, so that two
 * commits never wait for each other in a circle. The key of `journal_events` would refuse what passed by mistake.
 */
const postgres = (sql: SqlClient): Dialect => ({
  exclusive: false,
  id: byteText,
  rewritten: "WITH (fillfactor = 70)",
  schema: [],
  append: sql`
    WITH entry AS MATERIALIZED (
      SELECT * FROM json_to_recordset(${"entries"}::json) AS entry (position int, kind ${sql.literal(byteText)},
        id ${sql.literal(byteText)}, expected bigint, sequence bigint, state text, alarm_millis bigint, events text)
    ), present AS MATERIALIZED (
      SELECT entry.* FROM entry JOIN journal_state AS present USING (kind, id)
      WHERE present.sequence = entry.expected ORDER BY kind, id FOR NO KEY UPDATE OF present
    ), moved AS (
      UPDATE journal_state AS moving
      SET sequence = present.sequence, state = present.state, alarm_millis = present.alarm_millis FROM present
      WHERE moving.kind = present.kind AND moving.id = present.id AND moving.sequence = present.expected
      RETURNING present.position, present.kind, present.id, present.sequence, present.events
    ), opened AS (
      INSERT INTO journal_state (kind, id, sequence, state, alarm_millis)
      SELECT kind, id, sequence, state, alarm_millis FROM entry
      WHERE expected = 0 AND (SELECT count(*) FROM moved) >= 0 ORDER BY kind, id
      ON CONFLICT (kind, id) DO NOTHING RETURNING kind, id
    ), committed AS (
      SELECT * FROM moved UNION ALL SELECT position, kind, id, sequence, events FROM opened JOIN entry USING (kind, id)
    ), written AS (
      INSERT INTO journal_events (kind, id, sequence, events) SELECT kind, id, sequence, events FROM committed
    )
    SELECT position FROM committed` as Statement<{ readonly position: number }>,
  encode: (row, position) => ({ position, ...row }),
  failureOf: (cause) => {
    const { applied, reason } = PostgresFailure.classify(cause)
    return Journal.failure(applied, reason, cause)
  }
})

/** The dialect a client speaks. Throws for one that has none here. */
export const of = (sql: SqlClient): Dialect =>
  sql.onDialectOrElse({
    sqlite: () => sqlite(sql),
    pg: () => postgres(sql),
    orElse: (): Dialect => {
      throw new TypeError("this database has no dialect in @onelane/sql")
    }
  })
