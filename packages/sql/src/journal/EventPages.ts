/**
 * EventPages: the events of an address in pages that are bounded in bytes. One statement reads the rows of ordinary
 * size; a large row is read by a statement of its own, if the page has room for it.
 */
import type { SqlClient } from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import { EffectRunner, Journal, JsonBytes } from "@onelane/engine"
import * as Effect from "effect/Effect"
import { prepare } from "./Prepared.js"
import type { Rows, StatementsShape } from "./Statements.js"

/** Rows with more characters are read one by one. */
const largeCharacters = 8_192

type Events = Effect.Effect<ReadonlyArray<Journal.JournalEvent>, Journal.JournalFailure>

/** Prepares the reader. Returns a page of `Journal.JournalShape.events`; kind and id are stored texts. */
export const make = (
  sql: SqlClient,
  { read }: StatementsShape,
  refuse: (error: SqlError) => Journal.JournalFailure
): ((kind: string, id: string, afterSequence: number, limit: number) => Events) => {
  const ordinary = prepare(
    read,
    sql`SELECT sequence, CASE WHEN length(events) <= ${sql.literal(String(largeCharacters))} THEN events END AS events
      FROM journal_events WHERE kind = ${"kind"} AND id = ${"id"} AND sequence > ${"after"}
      ORDER BY sequence LIMIT ${"limit"}`,
    (rows) => rows,
    refuse
  )
  const large = prepare(
    read,
    sql`SELECT sequence, events FROM journal_events
      WHERE kind = ${"kind"} AND id = ${"id"} AND sequence = ${"sequence"}`,
    (rows) => rows,
    refuse
  )
  return (kind, id, afterSequence, limit) =>
    EffectRunner.flatMapNow(ordinary(kind, id, afterSequence, limit), (rows) => {
      const page = pageOf(afterSequence, limit)
      const at = rows.findIndex((row) => !page.add(row))
      if (at < 0 || page.isFull()) return Effect.succeed(page.events)
      return rest(page, rows.slice(at), (sequence) => large(kind, id, sequence))
    })
}

interface Page {
  readonly events: Array<Journal.JournalEvent>
  /** False if the row must be read by itself, or there is no room. */
  readonly add: (row: Rows[number]) => boolean
  readonly isFull: () => boolean
}

const pageOf = (afterSequence: number, limit: number): Page => {
  const events: Array<Journal.JournalEvent> = []
  let bytes = 0
  const isFull = (): boolean => bytes >= Journal.pageBytes || events.length >= limit
  return {
    events,
    isFull,
    add: (row) => {
      if (isFull() || row.events === null) return false
      const text = row.events as string
      const isLarge = text.length > largeCharacters
      if (!isLarge) bytes += text.length
      for (const each of numbered(Number(row.sequence), JSON.parse(text))) {
        if (each.sequence <= afterSequence) continue
        if (isFull() && (isLarge || events.length >= limit)) break
        if (isLarge) bytes += JsonBytes.of(each.event)
        events.push(each)
      }
      return true
    }
  }
}

const rest = (
  page: Page,
  rows: Rows,
  large: (sequence: unknown) => Effect.Effect<Rows, Journal.JournalFailure>
): Events =>
  Effect.gen(function* () {
    for (const row of rows) {
      const [found] = row.events === null ? yield* large(row.sequence) : [row]
      // The row was removed meanwhile.
      if (found === undefined || !page.add(found)) break
    }
    return page.events
  })

/** The events of one row, the last of which has this sequence. */
export const numbered = (last: number, events: ReadonlyArray<unknown>): ReadonlyArray<Journal.JournalEvent> =>
  events.map((event, index) => ({ sequence: last - events.length + 1 + index, event }))
