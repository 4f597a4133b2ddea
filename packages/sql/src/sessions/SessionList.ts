/**
 * SessionList: the sessions of a database in pages, for operators: those that need attention first, or by id. Reads the
 * narrow table (SessionListSql), so a page may be slightly stale, and its cost does not depend on the number of
 * sessions.
 *
 * Does not own the order of a page (SessionRanges) and checks no rights: the caller must be allowed to see all
 * sessions.
 */
import { SqlClient } from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import type { Access, CheckoutSession, CheckoutSessions } from "@onelane/checkout"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { DatabaseRefused } from "../journal/DatabaseRefused.js"
import * as Dialect from "../journal/Dialect.js"
import * as Migrations from "../journal/Migrations.js"
import { type Rows, Statements } from "../journal/Statements.js"
import { escape, unescape } from "../journal/StoredText.js"
import * as SessionListSql from "./SessionListSql.js"
import * as SessionRanges from "./SessionRanges.js"

/** Most sessions per page. */
export const pageSessions = 1_000

export { isCursor } from "./SessionRanges.js"

/**
 * The status of a session. `stuck`: its task is running, and nothing has changed for a while. `waiting`: for a client.
 */
export type Status = "failed" | "stuck" | "running" | "waiting" | "closed"

/**
 * The running task of a session. All members except the id are null if the last change of the session is not the claim.
 */
export interface Claim {
  readonly operationId: string
  /** Who claimed it; null: the engine itself. */
  readonly by: string | null
  readonly claimedAt: number | null
  readonly nextState: string | null
  readonly deadlineAt: number | null
}

/** A session of a page. */
export interface ListedSession extends Omit<CheckoutSessions.ListedSession, "operationId"> {
  readonly status: Status
  readonly operation: Claim | null
}

/** One page. `next`: the `after` of the next page; null at the end. */
export interface SessionPage {
  readonly sessions: ReadonlyArray<ListedSession>
  readonly next: string | null
}

/** Counts stop at this number of sessions per kind. */
export const countedSessions = 10_000

/** How many sessions there are of a kind, at most `countedSessions`. Stuck ones are running, too. */
export interface Counts {
  readonly failed: number
  readonly stuck: number
  readonly running: number
  readonly live: number
}

/** The list. */
export interface SessionListShape {
  readonly page: (wanted: SessionRanges.Wanted) => Effect.Effect<SessionPage, Access.PortUnavailable>
  readonly counts: (stuckBefore: number) => Effect.Effect<Counts, Access.PortUnavailable>
  /** The running task of a session, as its last change says. */
  readonly claim: (checkoutSessionId: string, operationId: string) => Effect.Effect<Claim, Access.PortUnavailable>
  /** Brings the table up to date with the states, for a command that uses a storage without a server. */
  readonly caughtUp: Effect.Effect<void, Access.PortUnavailable>
}

/** The list. */
export class SessionList extends Context.Tag("@onelane/sql/SessionList")<SessionList, SessionListShape>() {}

const unavailable = (cause: SqlError): Access.PortUnavailable => ({
  _tag: "PortUnavailable",
  port: "SessionList",
  cause
})

/** Creates the list; the tables must be up to date. */
const make = (sql: SqlClient, caughtUp: SessionListShape["caughtUp"]): SessionListShape => ({
  page: (wanted) =>
    Effect.gen(function* () {
      const limit = Math.min(Math.max(1, Math.trunc(wanted.limit)), pageSessions)
      const { next, rows } = yield* SessionRanges.page(sql, { ...wanted, limit })
      const claims = yield* claimsOf(sql, rows)
      return { sessions: rows.map((row) => shown(row, claims, wanted.stuckBefore)), next }
    }).pipe(Effect.mapError(unavailable)),
  counts: (stuckBefore) => Effect.mapError(counted(sql, stuckBefore), unavailable),
  claim: (checkoutSessionId, operationId) =>
    claimsOf(sql, [{ checkoutSessionId, operationId }]).pipe(
      Effect.map((claims) => claims.get(operationId) ?? unknownClaim(operationId)),
      Effect.mapError(unavailable)
    ),
  caughtUp
})

const shown = (
  { operationId, ...row }: CheckoutSessions.ListedSession,
  claims: ReadonlyMap<string, Claim>,
  stuckBefore: number
): ListedSession => ({
  ...row,
  status: statusOf(row, operationId, stuckBefore),
  operation: operationId === null ? null : (claims.get(operationId) ?? unknownClaim(operationId))
})

const statusOf = (
  { isArchived, state, updatedAt }: Omit<CheckoutSessions.ListedSession, "operationId">,
  operationId: string | null,
  stuckBefore: number
): Status => {
  if (isArchived) return "closed"
  if (state === SessionRanges.errorState) return "failed"
  return operationId === null ? "waiting" : updatedAt < stuckBefore ? "stuck" : "running"
}

const unknownClaim = (operationId: string): Claim => ({
  operationId,
  by: null,
  claimedAt: null,
  nextState: null,
  deadlineAt: null
})

/** Claimed sessions that one statement reads. */
const claimsAtOnce = 200

type Claimed = Pick<CheckoutSessions.ListedSession, "checkoutSessionId" | "operationId">

/** The claims of these rows by their operation ids, from the states and the last events. */
const claimsOf = (sql: SqlClient, rows: ReadonlyArray<Claimed>): Effect.Effect<Map<string, Claim>, SqlError> =>
  Effect.gen(function* () {
    const claims = new Map<string, Claim>()
    const ids = rows.flatMap((row) => (row.operationId === null ? [] : [escape(row.checkoutSessionId)]))
    const [before, after] = Dialect.of(sql).lastEvent
    const member = (name: string) => sql.literal(`${before}${name}${after}`)
    for (let from = 0; from < ids.length; from += claimsAtOnce) {
      const found = yield* sql<Rows[number]>`SELECT stored.state, ${member("type")} AS type,
        ${member("by")} AS claimed_by, ${member("at")} AS claimed_at
        FROM journal_state AS stored
        LEFT JOIN journal_events AS event
          ON event.kind = stored.kind AND event.id = stored.id AND event.sequence = stored.sequence
        WHERE stored.kind = ${"session"} AND ${sql.in("stored.id", ids.slice(from, from + claimsAtOnce))}`
      for (const claim of found.flatMap(claimOf)) claims.set(claim.operationId, claim)
    }
    return claims
  })

/** Changes that do not affect a running claim. */
const bystanders = new Set(["Migrated", "OwnerChanged", "LateResult"])

const claimOf = (row: Rows[number]): ReadonlyArray<Claim> => {
  const { deadlineAt, session } = JSON.parse(String(row.state)) as {
    readonly session: CheckoutSession.CheckoutSession | null
    readonly deadlineAt: number | null
  }
  if (session === null || session.operationId === null) return []
  const { nextState, operationId } = session
  const isClaim = row.type !== null && !bystanders.has(String(row.type))
  return [
    {
      operationId,
      nextState,
      deadlineAt,
      by: isClaim ? (row.claimed_by as string | null) : null,
      claimedAt: isClaim && row.claimed_at !== null ? Number(row.claimed_at) : null
    }
  ]
}

const counted = (sql: SqlClient, stuckBefore: number): Effect.Effect<Counts, SqlError> =>
  Effect.gen(function* () {
    const counts = { failed: 0, stuck: 0, running: 0, live: 0 }
    for (const kind of ["failed", "stuck", "running", "live"] as const) {
      const [row] = yield* sql<Rows[number]>`SELECT count(*) AS found FROM (
        SELECT 1 FROM session_list WHERE ${sql.and(SessionRanges.conditionsOf(sql, kind, stuckBefore))}
        LIMIT ${countedSessions}) AS counted`
      counts[kind] = Number(row?.found ?? 0)
    }
    return counts
  })

const sessionOf = (row: Rows[number]): CheckoutSession.CheckoutSession | null =>
  (JSON.parse(String(row.state)) as { readonly session: CheckoutSession.CheckoutSession | null }).session

/**
 * A page of stored sessions, by id. `state` is the stored JSON. `next`: where the next page begins; null at the end.
 */
export interface StoredPage {
  readonly found: ReadonlyArray<{ readonly id: string; readonly state: string }>
  readonly next: string | null
}

/** The page of stored sessions after an id ("" for the first). Changes nothing; the tables must exist. */
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

/** Number of sessions read to find the newest change: our ids are in order of time. */
const newestSessions = 100

/** When the newest sessions last changed, epoch milliseconds; null if there are none. The tables must exist. */
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
export const layer: Layer.Layer<SessionList, DatabaseRefused, SqlClient | Statements> = Layer.effect(
  SessionList,
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const lists = SessionListSql.make(sql, yield* Statements)
    return make(sql, yield* Effect.cached(SessionListSql.catchUp(sql, lists)))
  })
).pipe(Layer.provide(Migrations.layer))
