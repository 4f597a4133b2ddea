/**
 * Dialect: everything in which databases differ, and nothing else. A further database is a further value of this shape.
 */
import type { SqlClient } from "@effect/sql/SqlClient"
import type { Statement } from "@effect/sql/Statement"
import { Journal } from "@onelane/engine"
import { classify } from "./SqliteFailure.js"

/** What a database must say for itself. */
export interface Dialect {
  /** Whether nobody but this client can write. */
  readonly exclusive: boolean
  /** What the append needs besides the tables. */
  readonly schema: ReadonlyArray<string>
  /**
   * The one statement of a commit. Its one parameter is a JSON array of entries
   * `[kind, id, expected sequence, sequence after, state as text, alarm, events as text]`; its rows name the `position`
   * of every entry that was committed. Atomic by itself.
   */
  readonly append: Statement<{ readonly position: number }>
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
  failureOf: (cause) => {
    const { applied, reason } = classify(cause)
    return Journal.failure(applied, reason, cause)
  }
})

/** The dialect a client speaks. Throws for one that has none here. */
export const of = (sql: SqlClient): Dialect =>
  sql.onDialectOrElse({
    sqlite: () => sqlite(sql),
    orElse: (): Dialect => {
      throw new TypeError("this database has no dialect in @onelane/sql")
    }
  })
