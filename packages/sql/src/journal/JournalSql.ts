/**
 * JournalSql: the journal on a database. One statement a commit, whatever the number of entries; the fence (A4) is inside it.
 *
 * Owns the rows of `journal_state`, `journal_events` and `journal_keys`; does not own the connection (SqliteClient) nor when a batch is
 * full (GroupCommit). Every entry carries at least one event.
 */
import { SqlClient } from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import type { Statement } from "@effect/sql/Statement"
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

  const append = appendWith(sql, dialect, refuse)
  // The digests of an address as one text; one more than a load may give says that there are too many.
  const load = prepareLookup(
    sql,
    sql`SELECT sequence, state, (SELECT ${sql.literal(dialect.joined)}(digest, ' ') FROM (
        SELECT digest FROM journal_keys AS known WHERE known.kind = present.kind AND known.id = present.id
        LIMIT ${sql.literal(String(Journal.loadedDigests + 1))}
      ) AS few) AS digests
      FROM journal_state AS present WHERE kind = ${"kind"} AND id = ${"id"}`,
    toRow,
    refuse
  )
  const recorded = prepareLookup(
    sql,
    sql`SELECT sequence FROM journal_keys WHERE kind = ${"kind"} AND id = ${"id"} AND digest = ${"digest"}`,
    toRecorded,
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
    append,
    load: ({ id, kind }) => load(StoredText.escape(kind), StoredText.escape(id)),
    recorded: ({ id, kind }, digest) => recorded(StoredText.escape(kind), StoredText.escape(id), digest),
    events: ({ id, kind }, afterSequence, limit) =>
      Effect.map(events(StoredText.escape(kind), StoredText.escape(id), afterSequence, limit), (found) =>
        found.filter(({ sequence }) => sequence > afterSequence).slice(0, limit)
      ),
    alarms: (kind, beforeMillis, limit, after = { alarmMillis: Number.MIN_SAFE_INTEGER, id: "" }) =>
      alarms(StoredText.escape(kind), beforeMillis, after.alarmMillis, StoredText.escape(after.id), limit)
  }
}

const appendWith = (
  sql: SqlClient,
  dialect: Dialect.Dialect,
  refuse: (error: SqlError) => Journal.JournalFailure
): Journal.JournalShape["append"] => {
  const writing = (statement: Statement<object>) => prepare(sql, statement, (rows) => rows, refuse, runWriting)
  const first = writing(dialect.append)
  const next = writing(dialect.appendNext)
  const firstKeyed = writing(dialect.appendKeyed)
  const nextKeyed = writing(dialect.appendNextKeyed)
  return (batch) => {
    const hasFirst = batch.some(({ expectedSequence }) => expectedSequence === 0)
    const entries = batch.map(toAppend)
    const written = entries.some(({ records }) => records.length > 0)
      ? (hasFirst ? firstKeyed : nextKeyed)(...dialect.encodeKeyed(entries))
      : (hasFirst ? first : next)(...dialect.encode(entries))
    return Running.mapNow(written, (rows) => outcomes(batch, dialect.committed(rows, batch.length)))
  }
}

const noRecords: ReadonlyArray<Journal.JournalRecord> = []

const toAppend = (entry: Journal.JournalEntry): Dialect.AppendRow => ({
  kind: StoredText.escape(entry.address.kind),
  id: StoredText.escape(entry.address.id),
  expected: entry.expectedSequence,
  sequence: entry.expectedSequence + entry.events.length,
  state: JSON.stringify(entry.state),
  alarm_millis: entry.alarmMillis,
  events: JSON.stringify(entry.events),
  records: entry.records ?? noRecords
})

const outcomes = (
  batch: ReadonlyArray<Journal.JournalEntry>,
  committed: ReadonlySet<number> | null
): ReadonlyArray<Journal.AppendOutcome> =>
  batch.map((_, position) => (committed === null || committed.has(position) ? "committed" : "conflict"))

const toRow = (rows: Rows): Journal.JournalRow | null => {
  const row = rows[0]
  if (row === undefined) return null
  const digests = row.digests === null ? [] : String(row.digests).split(" ")
  return {
    sequence: Number(row.sequence),
    state: JSON.parse(row.state as string),
    digests: digests.length > Journal.loadedDigests ? null : digests
  }
}

const toRecorded = ([row]: Rows): Journal.Recorded | null =>
  row === undefined ? null : { sequence: Number(row.sequence), record: null }

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
