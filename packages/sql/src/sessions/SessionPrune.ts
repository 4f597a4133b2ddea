/**
 * SessionPrune: takes away what nobody can change any more: archived sessions, their history, and what their carts
 * remember of them. Deletes rows of the journal beside the engine, which is sound because an archived session never changes again.
 *
 * On SQLite no engine may have the file open (it would go on from memory; the file is exclusive anyway); on PostgreSQL
 * servers may be at work: they read before they answer about a session, and an append to a row that is gone is a conflict (A4).
 */
import { SqlClient } from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import type { Access, CheckoutSession } from "@onelane/checkout"
import * as Effect from "effect/Effect"
import { escape } from "../journal/StoredText.js"
import * as SessionList from "./SessionList.js"

/** What may go. */
export interface Prunable {
  /** Sessions archived, that is last changed, before this instant, epoch milliseconds. */
  readonly archivedBefore: number
  /** The id after which to begin; "" for all. */
  readonly after: string
  /** Sessions looked at, 1..1,000. */
  readonly limit: number
}

/** What went. `next`: the `after` of the next call, null at the end. */
export interface Pruned {
  readonly pruned: number
  readonly next: string | null
}

/** Looks at one page of sessions and takes away what may go, in one transaction. The tables must be up to date. */
export const page = (wanted: Prunable): Effect.Effect<Pruned, SqlError | Access.PortUnavailable, SqlClient> =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const { next, sessions } = yield* SessionList.make(sql).page({ ...wanted, archived: true })
    const over = sessions.filter(({ isArchived, updatedAt }) => isArchived && updatedAt < wanted.archivedBefore)
    if (over.length > 0) yield* sql.withTransaction(remove(sql, over))
    return { pruned: over.length, next }
  })

const remove = (sql: SqlClient, over: ReadonlyArray<CheckoutSession.CheckoutSession>) =>
  Effect.gen(function* () {
    const ids = over.map(({ id }) => escape(id))
    yield* removeAddresses(sql, "session", ids)
    // A cart that has another session by now keeps it.
    const carts = yield* Effect.forEach(
      over,
      ({ cartId, id }) =>
        sql<{ readonly id: string }>`DELETE FROM journal_state
        WHERE kind = ${"cart"} AND id = ${escape(cartId)} AND state = ${JSON.stringify({ sessionId: id })} RETURNING id`
    )
    yield* removeAddresses(
      sql,
      "cart",
      carts.flat().map(({ id }) => id)
    )
  })

const removeAddresses = (sql: SqlClient, kind: string, ids: ReadonlyArray<string>) =>
  ids.length === 0
    ? Effect.void
    : Effect.all(
        [
          sql`DELETE FROM journal_state WHERE kind = ${kind} AND ${sql.in("id", ids)}`,
          sql`DELETE FROM journal_events WHERE kind = ${kind} AND ${sql.in("id", ids)}`,
          sql`DELETE FROM journal_keys WHERE kind = ${kind} AND ${sql.in("id", ids)}`
        ],
        { discard: true }
      )
