/**
 * LoadRow: reads an address: its state, its body with the events that the body lacks, and its digests. If look-ups are
 * combined, a large body is read separately, so that no answer contains many large bodies.
 */
import type { SqlClient } from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import { EffectRunner, Journal } from "@onelane/engine"
import * as Effect from "effect/Effect"
import type { Dialect } from "./Dialect.js"
import * as EventPages from "./EventPages.js"
import { type Prepared, prepare, prepareLookup } from "./Prepared.js"
import type { Rows, StatementsShape } from "./Statements.js"

/** Bodies with more bytes are not read together with others. */
const togetherBytes = 8_192

const tooLarge = Symbol("too large")

/** Prepares the look-up; takes kind and id as stored texts. */
export const make = (
  sql: SqlClient,
  statements: StatementsShape,
  dialect: Dialect,
  refuse: (error: SqlError) => Journal.JournalFailure
): Prepared<Journal.JournalRow | null, Journal.JournalFailure> => {
  const whole = prepare(statements.read, rowOf(sql, dialect, "true"), toWhole, refuse)
  if (statements.readTogether === null) return whole
  const isSmall = `octet_length(large.body) <= ${togetherBytes}`
  const small = prepareLookup(statements, rowOf(sql, dialect, isSmall), toRow, refuse)
  return (...address) =>
    EffectRunner.flatMapNow(small(...address), (row) => (row === tooLarge ? whole(...address) : Effect.succeed(row)))
}

// All digests of an address as one text; one more than the limit is read, to detect that there are too many. `body` and
// `since` are read only if the row says that they exist.
const rowOf = (sql: SqlClient, { eventsAsText, joined }: Dialect, isWanted: string) => {
  const body = sql.literal(`SELECT body FROM journal_body AS large
        WHERE large.kind = present.kind AND large.id = present.id AND ${isWanted}`)
  return sql`SELECT sequence, state, CASE WHEN behind IS NOT NULL THEN (${body}) END AS body,
      CASE WHEN behind > 0 AND EXISTS (${body}) THEN (
        SELECT ${sql.literal(eventsAsText)} FROM (
          SELECT sequence, events FROM journal_events AS past WHERE past.kind = present.kind AND past.id = present.id
          AND past.sequence >= present.behind ORDER BY sequence
        ) AS lacking
      ) END AS since, behind, (SELECT ${sql.literal(joined)}(digest, ' ') FROM (
        SELECT digest FROM journal_keys AS known WHERE known.kind = present.kind AND known.id = present.id
        LIMIT ${sql.literal(String(Journal.loadedDigests + 1))}
      ) AS few) AS digests
      FROM journal_state AS present WHERE kind = ${"kind"} AND id = ${"id"}`
}

const toRow = (rows: Rows): Journal.JournalRow | typeof tooLarge | null => {
  const row = rows[0]
  if (row === undefined) return null
  if (row.behind !== null && row.body === null) return tooLarge
  const all = row.digests === null ? [] : String(row.digests).split(" ")
  const sequence = Number(row.sequence)
  const state: unknown = JSON.parse(row.state as string)
  const digests = all.length > Journal.loadedDigests ? null : all
  return row.behind === null ? { sequence, state, digests } : { sequence, state, digests, body: toBody(row) }
}

const toBody = ({ behind, body, sequence, since }: Rows[number]): Journal.JournalRow["body"] => {
  const all = since === null ? [] : toSince(JSON.parse(since as string), Number(behind))
  if (all.length < (Number(behind) === 0 ? 0 : Number(sequence) - Number(behind) + 1))
    throw new Error("events that the large part of a state lacks are missing")
  return { value: JSON.parse(body as string), since: all }
}

// A row holds the events of one append; its first ones may be in the body already.
const toSince = (rows: ReadonlyArray<readonly [number, ReadonlyArray<unknown>]>, behind: number) =>
  rows
    .flatMap(([last, events]) => EventPages.numbered(last, events))
    .filter(({ sequence }) => sequence >= behind)
    .sort((left, right) => left.sequence - right.sequence)

const toWhole = (rows: Rows): Journal.JournalRow | null => {
  const row = toRow(rows)
  if (row === tooLarge) throw new Error("the large part of a state is missing")
  return row
}
