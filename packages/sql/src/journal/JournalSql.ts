/**
 * JournalSql: the journal on a database. One statement a commit, whatever the number of entries; the fence (A4) is inside it.
 *
 * Owns the rows of `journal_state` and `journal_events`; does not own the connection (SqliteClient) nor when a batch is
 * full (GroupCommit). Every entry carries at least one event.
 */
import { SqlClient } from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import { Journal, Running } from "@onelane/engine"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { DatabaseRefused } from "./DatabaseRefused.js"
import * as Dialect from "./Dialect.js"
import * as Migrations from "./Migrations.js"
import { prepare, prepareLookup, type Rows, runWriting } from "./Prepared.js"
import * as StoredText from "./StoredText.js"

/** Makes the journal; the tables must be up to date. */
export const make = (sql: SqlClient): Journal.JournalShape => {
  const dialect = Dialect.of(sql)
  const refuse = (error: SqlError): Journal.JournalFailure => dialect.failureOf(error.cause)

  const append = prepare(sql, dialect.append, (rows) => rows, refuse, runWriting)
  const appendNext = prepare(sql, dialect.appendNext, (rows) => rows, refuse, runWriting)
  const load = prepareLookup(
    sql,
    sql`SELECT sequence, state FROM journal_state WHERE kind = ${"kind"} AND id = ${"id"}`,
    toRow,
    refuse
  )
  const events = prepare(
    sql,
    sql`SELECT sequence, events FROM journal_events
      WHERE kind = ${"kind"} AND id = ${"id"} AND sequence > ${"after"} ORDER BY sequence LIMIT ${"limit"}`,
    toEvents,
    refuse
  )
  const alarms = prepare(
    sql,
    sql`SELECT alarm_millis, id FROM journal_state
      WHERE kind = ${"kind"} AND alarm_millis <= ${"before"} AND (alarm_millis, id) > (${"after"}, ${"id"})
      ORDER BY alarm_millis, id LIMIT ${"limit"}`,
    toAlarms,
    refuse
  )

  return {
    immediate: false,
    exclusive: dialect.exclusive,
    appendsAtOnce: dialect.appendsAtOnce,
    append: (batch) => {
      const run = batch.some(({ expectedSequence }) => expectedSequence === 0) ? append : appendNext
      return Running.mapNow(run(...dialect.encode(batch.map(toAppend))), (rows) =>
        outcomes(batch, dialect.committed(rows, batch.length))
      )
    },
    load: ({ id, kind }) => load(StoredText.escape(kind), StoredText.escape(id)),
    events: ({ id, kind }, afterSequence, limit) =>
      Effect.map(events(StoredText.escape(kind), StoredText.escape(id), afterSequence, limit), (found) =>
        found.filter(({ sequence }) => sequence > afterSequence).slice(0, limit)
      ),
    alarms: (kind, beforeMillis, limit, after = { alarmMillis: Number.MIN_SAFE_INTEGER, id: "" }) =>
      alarms(StoredText.escape(kind), beforeMillis, after.alarmMillis, StoredText.escape(after.id), limit)
  }
}

const toAppend = (entry: Journal.JournalEntry): Dialect.AppendRow => ({
  kind: StoredText.escape(entry.address.kind),
  id: StoredText.escape(entry.address.id),
  expected: entry.expectedSequence,
  sequence: entry.expectedSequence + entry.events.length,
  state: JSON.stringify(entry.state),
  alarm_millis: entry.alarmMillis,
  events: JSON.stringify(entry.events)
})

const outcomes = (
  batch: ReadonlyArray<Journal.JournalEntry>,
  committed: ReadonlySet<number> | null
): ReadonlyArray<Journal.AppendOutcome> =>
  batch.map((_, position) => (committed === null || committed.has(position) ? "committed" : "conflict"))

const toRow = (rows: Rows): Journal.JournalRow | null => {
  const row = rows[0]
  return row === undefined ? null : { sequence: Number(row.sequence), state: JSON.parse(row.state as string) }
}

const toEvents = (rows: Rows): ReadonlyArray<Journal.JournalEvent> =>
  rows.flatMap((row) => {
    const events = JSON.parse(row.events as string) as ReadonlyArray<unknown>
    const first = Number(row.sequence) - events.length + 1
    return events.map((event, index) => ({ sequence: first + index, event }))
  })

const toAlarms = (rows: Rows): ReadonlyArray<Journal.JournalAlarm> =>
  rows.map((row) => ({ id: StoredText.unescape(row.id as string), alarmMillis: Number(row.alarm_millis) }))

/** The journal on the client in force, its tables brought up to date first. */
export const layer: Layer.Layer<Journal.Journal, DatabaseRefused, SqlClient> = Layer.effect(
  Journal.Journal,
  Effect.map(SqlClient, make)
).pipe(Layer.provide(Migrations.layer))
