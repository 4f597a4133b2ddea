/**
 * SessionListSql: the narrow table `session_list` behind `SessionLists`: one row per session, indexed by state, cart
 * and claim, so that lists need no index on `journal_state`.
 *
 * Engines write it after their commits. Rows that a crash prevented are found by one scan of the store after it is
 * opened: a row whose sequence is behind its state is rewritten from the state. On a shared database the scan repeats
 * slowly, because other servers may crash.
 */
import { SqlClient } from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import type { Fragment } from "@effect/sql/Statement"
import { type Access, type CheckoutSession, type CheckoutSessions, SessionLists } from "@onelane/checkout"
import { QuietTimer } from "@onelane/engine"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { DatabaseRefused } from "../journal/DatabaseRefused.js"
import * as Dialect from "../journal/Dialect.js"
import * as Migrations from "../journal/Migrations.js"
import { prepare } from "../journal/Prepared.js"
import { type Rows, Statements, type StatementsShape } from "../journal/Statements.js"
import { escape, unescape } from "../journal/StoredText.js"

type Listed = CheckoutSessions.ListedSession

const unavailable = (cause: SqlError): Access.PortUnavailable => ({
  _tag: "PortUnavailable",
  port: "SessionLists",
  cause
})

/** Creates the list; the tables must be up to date. */
export const make = (sql: SqlClient, statements: StatementsShape): SessionLists.SessionListsShape => {
  const write = prepare(statements.write, upsert(sql, Dialect.of(sql)), () => undefined, unavailable)
  return {
    write: (rows) => (rows.length === 0 ? Effect.void : write(JSON.stringify(rows.map(toList)))),
    page: (wanted) =>
      Effect.mapBoth(pageOf(sql, wanted), { onFailure: unavailable, onSuccess: (rows) => rows.map(toListed) })
  }
}

const toList = (row: Listed) => {
  const { cartId, checkoutSessionId, closedBy, createdAt, isArchived, operationId, state, updatedAt, version } = row
  const id = escape(checkoutSessionId)
  return [id, version, escape(cartId), state, isArchived ? 1 : 0, closedBy, operationId, createdAt, updatedAt]
}

/** A row of the table as a session. */
export const toListed = (row: Rows[number]): Listed => ({
  checkoutSessionId: unescape(String(row.id)),
  cartId: unescape(String(row.cart_id)),
  state: String(row.state),
  isArchived: Number(row.archived) === 1,
  closedBy: row.closed_by as CheckoutSession.ClosedBy | null,
  operationId: row.operation_id as string | null,
  version: Number(row.sequence),
  createdAt: Number(row.created_at),
  updatedAt: Number(row.updated_at)
})

/** The columns of the table. */
export const columns = "id, sequence, cart_id, state, archived, closed_by, operation_id, created_at, updated_at"

// Does not write a row if its session was removed meanwhile, or if the stored row is newer.
const upsert = (sql: SqlClient, { entries }: Dialect.Dialect) => sql`
  INSERT INTO session_list (${sql.literal(columns)})
  SELECT value->>0, CAST(value->>1 AS bigint), value->>2, value->>3, CAST(value->>4 AS bigint), value->>5, value->>6,
    CAST(value->>7 AS bigint), CAST(value->>8 AS bigint)
  FROM ${sql.literal(entries[0])}${"rows"}${sql.literal(entries[1])} AS entry ${sql.literal(entries[2])}
  WHERE EXISTS (SELECT 1 FROM journal_state AS stored WHERE stored.kind = 'session' AND stored.id = value->>0)
  ON CONFLICT (id) DO UPDATE SET sequence = excluded.sequence, cart_id = excluded.cart_id, state = excluded.state,
    archived = excluded.archived, closed_by = excluded.closed_by, operation_id = excluded.operation_id,
    updated_at = excluded.updated_at
  WHERE session_list.sequence < excluded.sequence`

/** Each filter has an index that is ordered by id. */
const pageOf = (sql: SqlClient, wanted: SessionLists.Wanted): Effect.Effect<Rows, SqlError> => {
  const { after, cartId, isArchived, isClaimed, limit, states } = wanted
  const conditions: Array<Fragment> = [sql`id > ${escape(after)}`]
  if (cartId !== null) conditions.push(sql`cart_id = ${escape(cartId)}`)
  if (isClaimed) conditions.push(sql`operation_id IS NOT NULL`)
  const select = (more: ReadonlyArray<Fragment>) =>
    sql<Rows[number]>`SELECT ${sql.literal(columns)} FROM session_list
      WHERE ${sql.and([...conditions, ...more])} ORDER BY id LIMIT ${limit}`
  if (states === null || cartId !== null || isClaimed) {
    const archived = isArchived === null ? [] : [sql`archived = ${sql.literal(isArchived ? "1" : "0")}`]
    return select(states === null ? archived : [...archived, sql.in("state", states)])
  }
  // One index range per state: a combined range would not be ordered by id.
  const ranges = (isArchived === null ? [0, 1] : [isArchived ? 1 : 0]).flatMap((archived) =>
    states.map((state) => select([sql`archived = ${archived}`, sql`state = ${state}`]))
  )
  return Effect.map(Effect.all(ranges), (found) =>
    found
      .flat()
      .sort((left, right) => (String(left.id) < String(right.id) ? -1 : 1))
      .slice(0, limit)
  )
}

/** Sessions per step of the scan, and the pause after it, milliseconds: for the first scan, and for repeated ones. */
const stepRows = 1_000
const pauseMillis = 50
const slowMillis = 5_000

/** One step: writes the rows that are behind their states. Returns where the next step begins; null at the end. */
const step = (
  sql: SqlClient,
  { write }: SessionLists.SessionListsShape,
  after: string
): Effect.Effect<string | null, unknown> =>
  Effect.gen(function* () {
    const [edge] = yield* sql<Rows[number]>`SELECT id FROM journal_state
      WHERE kind = 'session' AND id > ${escape(after)} ORDER BY id LIMIT 1 OFFSET ${stepRows - 1}`
    const within = edge === undefined ? sql`` : sql`AND stored.id <= ${String(edge.id)}`
    const behind = yield* sql<Rows[number]>`SELECT stored.state FROM journal_state AS stored
      LEFT JOIN session_list AS listed ON listed.id = stored.id
      WHERE stored.kind = 'session' AND stored.id > ${escape(after)} ${within}
      AND (listed.sequence IS NULL OR listed.sequence < stored.sequence)`
    yield* write(behind.flatMap(rowOf))
    return edge === undefined ? null : unescape(String(edge.id))
  })

const rowOf = ({ state }: Rows[number]): ReadonlyArray<Listed> => {
  const { session } = JSON.parse(String(state)) as { readonly session: CheckoutSession.CheckoutSession | null }
  if (session === null) return []
  const { cartId, closedBy, createdAt, id, isArchived, operationId, state: name, updatedAt, version } = session
  const listed = { checkoutSessionId: id, cartId, state: name, isArchived, closedBy, operationId }
  return [{ ...listed, version, createdAt, updatedAt }]
}

/** Scans the store once, without pauses except to yield to other work. Afterwards every row matches its state. */
export const catchUp = (
  sql: SqlClient,
  lists: SessionLists.SessionListsShape,
  after = ""
): Effect.Effect<void, Access.PortUnavailable> =>
  Effect.flatMap(
    Effect.mapError(
      step(sql, lists, after),
      (cause): Access.PortUnavailable => ({
        _tag: "PortUnavailable",
        port: "SessionLists",
        cause
      })
    ),
    (next) => (next === null ? Effect.void : Effect.zipRight(Effect.yieldNow(), catchUp(sql, lists, next)))
  )

/** Scans the store. A failed step is retried after a long pause. */
const walking = (sql: SqlClient, lists: SessionLists.SessionListsShape, isShared: boolean): Effect.Effect<void> => {
  let after: string | null = ""
  let pause = pauseMillis
  const once = Effect.suspend(() =>
    Effect.matchCause(step(sql, lists, after ?? ""), {
      onFailure: () => {
        pause = slowMillis
      },
      onSuccess: (next) => {
        if (next === null) pause = slowMillis
        after = next
      }
    })
  )
  const isOver = () => after === null && !isShared
  const round: Effect.Effect<void> = Effect.suspend(() =>
    isOver() ? Effect.void : Effect.zipRight(QuietTimer.sleep(pause), Effect.zipRight(once, round))
  )
  return round
}

/** The list on the current client; brings its tables up to date first, and scans the store until its scope closes. */
export const layer: Layer.Layer<SessionLists.SessionLists, DatabaseRefused, SqlClient | Statements> = Layer.scoped(
  SessionLists.SessionLists,
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const lists = make(sql, yield* Statements)
    yield* Effect.forkScoped(walking(sql, lists, !Dialect.of(sql).exclusive))
    return lists
  })
).pipe(Layer.provide(Migrations.layer))
