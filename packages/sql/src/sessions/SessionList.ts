/**
 * SessionList: the sessions of a database in pages, for operators. Reads committed states; a session that changes meanwhile is
 * shown before or after the change. Does not own the rows (JournalSql) and checks no rights: the caller must be allowed to
 * see all sessions.
 */
import { SqlClient } from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import type { Access, CheckoutSession } from "@onelane/checkout"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { DatabaseRefused } from "../journal/DatabaseRefused.js"
import * as Migrations from "../journal/Migrations.js"
import type { Rows } from "../journal/Statements.js"
import { escape, unescape } from "../journal/StoredText.js"

/** Most sessions per page. */
export const pageSessions = 1_000

/** Which sessions to list. */
export interface Wanted {
  /** The page starts after this id; "" for the first. */
  readonly after: string
  /** Sessions of this page, 1..1,000. A shorter page is the last only if `next` is null. */
  readonly limit: number
  /** Includes archived sessions. */
  readonly archived: boolean
}

/** One page, by id: ids of ours are in order of time. `next`: the `after` of the next page, null at the end. */
export interface SessionPage {
  readonly sessions: ReadonlyArray<CheckoutSession.CheckoutSession>
  readonly next: string | null
}

/** The list. */
export interface SessionListShape {
  readonly page: (wanted: Wanted) => Effect.Effect<SessionPage, Access.PortUnavailable>
}

/** The list. */
export class SessionList extends Context.Tag("@onelane/sql/SessionList")<SessionList, SessionListShape>() {}

const sessionOf = (row: Rows[number]): CheckoutSession.CheckoutSession | null =>
  (JSON.parse(String(row.state)) as { readonly session: CheckoutSession.CheckoutSession | null }).session

/** Creates the list; the tables must be up to date. */
export const make = (sql: SqlClient): SessionListShape => ({
  page: ({ after, archived, limit }) =>
    Effect.gen(function* () {
      const rowCount = Math.min(Math.max(1, Math.trunc(limit)), pageSessions)
      const rows = yield* sql<Rows[number]>`SELECT id, state FROM journal_state
        WHERE kind = ${"session"} AND id > ${escape(after)} ORDER BY id LIMIT ${rowCount}`
      const found = rows.map(sessionOf).filter((session) => session !== null)
      const last = rows.at(-1)
      return {
        sessions: archived ? found : found.filter(({ isArchived }) => !isArchived),
        next: rows.length < rowCount || last === undefined ? null : unescape(String(last.id))
      }
    }).pipe(
      Effect.mapError(
        (cause: SqlError): Access.PortUnavailable => ({ _tag: "PortUnavailable", port: "SessionList", cause })
      )
    )
})

/** A page of stored sessions, by id. `state` is JSON as it is stored. `next`: where the next page begins; null at the end. */
export interface StoredPage {
  readonly found: ReadonlyArray<{ readonly id: string; readonly state: string }>
  readonly next: string | null
}

/** The page of stored sessions after an id ("" for the first). Changes nothing; the tables must be there. */
export const stored = (after: string): Effect.Effect<StoredPage, SqlError, SqlClient> =>
  Effect.flatMap(SqlClient, (sql) =>
    sql<Rows[number]>`SELECT id, state FROM journal_state
      WHERE kind = ${"session"} AND id > ${escape(after)} ORDER BY id LIMIT ${pageSessions}`.pipe(
      Effect.map((rows) => {
        const found = rows.map((row) => ({ id: unescape(String(row.id)), state: String(row.state) }))
        return { found, next: rows.length < pageSessions ? null : found[found.length - 1]!.id }
      })
    )
  )

/** Sessions looked at for the newest change: ids of ours are in order of time. */
const newestSessions = 100

/** When the newest sessions last changed, epoch milliseconds; null where there are none. The tables must be there. */
export const newestMillis: Effect.Effect<number | null, SqlError, SqlClient> = Effect.flatMap(SqlClient, (sql) =>
  sql<Rows[number]>`SELECT state FROM journal_state
    WHERE kind = ${"session"} ORDER BY id DESC LIMIT ${newestSessions}`.pipe(
    Effect.map((rows) => {
      const instants = rows.map((row) => sessionOf(row)?.updatedAt ?? 0)
      return instants.length === 0 ? null : Math.max(...instants)
    })
  )
)

/** The list on the current client; brings its tables up to date first. */
export const layer: Layer.Layer<SessionList, DatabaseRefused, SqlClient> = Layer.effect(
  SessionList,
  Effect.map(SqlClient, make)
).pipe(Layer.provide(Migrations.layer))
