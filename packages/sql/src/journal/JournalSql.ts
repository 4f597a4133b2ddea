/**
 * JournalSql: the journal on a database. One statement per commit, for any number of entries; it includes the fence
 * (A4).
 *
 * Owns the rows of `journal_state`, `journal_body`, `journal_events` and `journal_keys`; does not own the connection
 * (SqliteClient) or the size of a batch (GroupCommit). Every entry carries at least one event.
 */
import { SqlClient } from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import { EffectRunner, Journal, JournalClock } from "@onelane/engine"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import { DatabaseRefused } from "./DatabaseRefused.js"
import * as Dialect from "./Dialect.js"
import * as EventPages from "./EventPages.js"
import * as LoadRow from "./LoadRow.js"
import * as Migrations from "./Migrations.js"
import { prepare, prepareLookup } from "./Prepared.js"
import { type Rows, Statements, type StatementsShape } from "./Statements.js"
import * as StoredText from "./StoredText.js"

/**
 * Creates the journal; the tables must be up to date. `time`: the database's time; null if this process's clock is
 * used.
 */
export const make = (
  sql: SqlClient,
  statements: StatementsShape,
  time: JournalClock.JournalClock | null
): Journal.JournalShape => {
  const dialect = Dialect.of(sql)
  const refuse = (error: SqlError): Journal.JournalFailure => dialect.failureOf(error.cause)

  const append = appendWith(statements, dialect, time, refuse)
  const load = LoadRow.make(sql, statements, dialect, refuse)
  const recorded = prepareLookup(
    statements,
    sql`SELECT sequence FROM journal_keys WHERE kind = ${"kind"} AND id = ${"id"} AND digest = ${"digest"}`,
    toRecorded,
    refuse
  )
  const events = EventPages.make(sql, statements, refuse)
  const alarms = dueWith(sql, statements, dialect, refuse)

  return {
    immediate: false,
    exclusive: dialect.exclusive,
    appendsAtOnce: dialect.appendsAtOnce,
    nowMillis: time?.nowMillis,
    bodyLagEvents,
    append,
    load: ({ id, kind }) => load(StoredText.escape(kind), StoredText.escape(id)),
    recorded: ({ id, kind }, digest) => recorded(StoredText.escape(kind), StoredText.escape(id), digest),
    events: ({ id, kind }, afterSequence, limit) =>
      events(StoredText.escape(kind), StoredText.escape(id), afterSequence, limit),
    alarms: (kind, beforeMillis, limit, after = { alarmMillis: Number.MIN_SAFE_INTEGER, id: "" }) =>
      EffectRunner.mapNow(
        timed(time, () =>
          alarms(StoredText.escape(kind), beforeMillis, after.alarmMillis, StoredText.escape(after.id), limit)
        ),
        (answer) => answer.alarms
      ),
    ...makeUpkeep(sql, dialect, refuse)
  }
}

const dueWith = (
  sql: SqlClient,
  statements: StatementsShape,
  dialect: Dialect.Dialect,
  refuse: (error: SqlError) => Journal.JournalFailure
) => {
  const due = sql`SELECT alarm_millis, id FROM journal_state
      WHERE kind = ${"kind"} AND alarm_millis <= ${"before"} AND (alarm_millis, id) > (${"after"}, ${"id"})
      ORDER BY alarm_millis, id LIMIT ${"limit"}`
  // Every answer includes the time, even an empty one.
  const dueWithTime = sql`SELECT due.alarm_millis, due.id, ${dialect.millis ?? sql`0`} AS at_millis
      FROM (SELECT 1) AS one LEFT JOIN (${due}) AS due ON true ORDER BY due.alarm_millis, due.id`
  return prepare(statements.read, dialect.millis === null ? due : dueWithTime, toDue, refuse)
}

/** Addresses read by one statement. */
const selectionRows = 1_000

/** Addresses that one statement removes. */
const removalRows = 200

const makeUpkeep = (
  sql: SqlClient,
  dialect: Dialect.Dialect,
  refuse: (error: SqlError) => Journal.JournalFailure
): Pick<Journal.JournalShape, "select" | "remove" | "compact"> => ({
  select: (kind, after, wanted) =>
    Effect.mapBoth(
      sql<Rows[number]>`SELECT id, sequence, state FROM journal_state
        WHERE kind = ${StoredText.escape(kind)} AND id > ${StoredText.escape(after)} ORDER BY id LIMIT ${selectionRows}`,
      { onFailure: refuse, onSuccess: (rows) => selectionOf(rows, wanted) }
    ),
  remove: (kind, removals) => {
    const removing = sql.withTransaction(removeAll(sql, StoredText.escape(kind), removals))
    return Effect.mapError(dialect.whileRemoving(removing), refuse)
  },
  compact: Effect.mapError(dialect.compact, refuse)
})

const selectionOf = (rows: Rows, wanted: (id: string, state: unknown) => boolean): Journal.JournalSelection => {
  const stored = rows.map(({ id, sequence, state }) => ({
    id: StoredText.unescape(String(id)),
    sequence: Number(sequence),
    state: JSON.parse(String(state)) as unknown
  }))
  return {
    found: stored.filter(({ id, state }) => wanted(id, state)),
    next: rows.length < selectionRows ? null : stored.at(-1)!.id
  }
}

const removeAll = (sql: SqlClient, kind: string, removals: ReadonlyArray<Journal.JournalRemoval>) =>
  Effect.gen(function* () {
    const stays = new Set<unknown>()
    for (let from = 0; from < removals.length; from += removalRows) {
      const part = removals.slice(from, from + removalRows)
      const ids = part.map(({ id }) => StoredText.escape(id))
      const fence = part.map(({ id, sequence }) => sql`(${StoredText.escape(id)}, CAST(${sequence} AS bigint))`) // A4
      yield* sql`DELETE FROM journal_state WHERE kind = ${kind} AND ${sql.in("id", ids)}
        AND (id, sequence) IN (VALUES ${sql.csv(fence)})`
      const left = yield* sql<Rows[number]>`SELECT id FROM journal_state WHERE kind = ${kind} AND ${sql.in("id", ids)}`
      for (const { id } of left) stays.add(id)
      const gone = ids.filter((id) => !stays.has(id))
      if (gone.length === 0) continue
      yield* sql`DELETE FROM journal_events WHERE kind = ${kind} AND ${sql.in("id", gone)}`
      yield* sql`DELETE FROM journal_keys WHERE kind = ${kind} AND ${sql.in("id", gone)}`
      yield* sql`DELETE FROM journal_body WHERE kind = ${kind} AND ${sql.in("id", gone)}`
      if (kind === "session") yield* sql`DELETE FROM session_list WHERE ${sql.in("id", gone)}`
    }
    return removals.map(({ id }) => !stays.has(StoredText.escape(id)))
  })

/** Runs a query and notes the time in its answer. */
const timed = <A extends { readonly atMillis: number }, E>(
  time: JournalClock.JournalClock | null,
  ask: () => Effect.Effect<A, E>
): Effect.Effect<A, E> => {
  if (time === null) return ask()
  const beganMillis = time.beganMillis()
  return EffectRunner.mapNow(ask(), (answer) => {
    time.heard(beganMillis, answer.atMillis)
    return answer
  })
}

// `at_millis` is missing, and not read, if this process's clock is used.
const toDue = (rows: Rows) => ({ atMillis: rows[0]?.at_millis as number, alarms: toAlarms(rows) })

const appendWith = (
  statements: StatementsShape,
  dialect: Dialect.Dialect,
  time: JournalClock.JournalClock | null,
  refuse: (error: SqlError) => Journal.JournalFailure
): Journal.JournalShape["append"] => {
  const texts = forms.map((form) => dialect.append(form).compile(true)[0])
  return (batch) => {
    let [first, keyed, bodied] = [false, false, false]
    const entries: Array<Dialect.AppendRow> = []
    for (const entry of batch) {
      if (entry.expectedSequence === 0) first = true
      if (entry.records !== undefined && entry.records.length > 0) keyed = true
      if (entry.body !== undefined) bodied = true
      entries.push(toAppend(entry))
    }
    const place = (first ? 1 : 0) + (keyed ? 2 : 0) + (bodied ? 4 : 0)
    const beganMillis = time === null ? 0 : time.beganMillis()
    const written = statements.write(texts[place]!, dialect.encode(entries, forms[place]!))
    const onSuccess = (rows: Rows): ReadonlyArray<Journal.AppendOutcome> => {
      if (time !== null) time.heard(beganMillis, rows[0]?.at_millis as number)
      const outcomes = new Array<Journal.AppendOutcome>(batch.length).fill("conflict")
      for (const position of dialect.committed(rows)) outcomes[position] = "committed"
      return outcomes
    }
    return Exit.isExit(written)
      ? Exit.mapBoth(written as Exit.Exit<Rows, SqlError>, { onFailure: refuse, onSuccess })
      : Effect.mapBoth(written, { onFailure: refuse, onSuccess })
  }
}

/** The forms of an append, indexed by a bit mask: 1, 2 and 4 for what it contains. */
const forms: ReadonlyArray<Dialect.AppendForm> = Array.from({ length: 8 }, (_, place) => ({
  first: (place & 1) > 0,
  keyed: (place & 2) > 0,
  bodied: (place & 4) > 0
}))

/** Most events that a stored body may lack. */
const bodyLagEvents = 32

const noRecords: ReadonlyArray<Journal.JournalRecord> = []

const toAppend = (entry: Journal.JournalEntry): Dialect.AppendRow => ({
  kind: StoredText.escape(entry.address.kind),
  id: StoredText.escape(entry.address.id),
  expected: entry.expectedSequence,
  sequence: entry.expectedSequence + entry.events.length,
  state: JSON.stringify(entry.state),
  alarm_millis: entry.alarmMillis,
  events: JSON.stringify(entry.events),
  records: entry.records ?? noRecords,
  body: entry.body?.value === undefined ? null : JSON.stringify(entry.body.value),
  behind: entry.body?.behindFrom ?? null
})

const toRecorded = ([row]: Rows): Journal.Recorded | null =>
  row === undefined ? null : { sequence: Number(row.sequence), record: null }

const toAlarms = (rows: Rows): ReadonlyArray<Journal.JournalAlarm> =>
  rows.flatMap(({ alarm_millis, id }) =>
    id === null ? [] : [{ id: StoredText.unescape(id as string), alarmMillis: Number(alarm_millis) }]
  )

/** The database's time now, epoch milliseconds; null if this process's clock is used. */
export const timeMillis: Effect.Effect<number | null, SqlError, SqlClient> = Effect.flatMap(SqlClient, (sql) => {
  const { millis } = Dialect.of(sql)
  return millis === null
    ? Effect.succeed(null)
    : Effect.map(sql<{ readonly at_millis: number }>`SELECT ${millis} AS at_millis`, ([row]) => row!.at_millis)
})

// Queried once before the first turn; after that every answer includes it.
const keepTime = Effect.gen(function* () {
  const clock = yield* Effect.clock
  const time = JournalClock.make(() => Number(clock.unsafeCurrentTimeNanos()) / 1_000_000)
  const beganMillis = time.beganMillis()
  const atMillis = yield* timeMillis
  if (atMillis === null) return null
  time.heard(beganMillis, atMillis)
  return time
}).pipe(
  Effect.mapError(
    (cause) => new DatabaseRefused({ reason: "CANNOT_OPEN", message: "The database did not tell its time.", cause })
  )
)

/** The journal on the current client; brings its tables up to date first. */
export const layer: Layer.Layer<Journal.Journal, DatabaseRefused, SqlClient | Statements> = Layer.effect(
  Journal.Journal,
  Effect.gen(function* () {
    return make(yield* SqlClient, yield* Statements, yield* keepTime)
  })
).pipe(Layer.provide(Migrations.layer))
