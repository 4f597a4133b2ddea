/**
 * SessionPrune: takes away what nobody can change any more: archived sessions, their history, and what their carts
 * remember of them, unless a cart is to remember who completed it. Deletes rows of the journal beside the engine, which is sound because an archived session never changes again.
 *
 * On SQLite no engine may have the file open (it would go on from memory; the file is exclusive anyway); on PostgreSQL
 * servers may be at work: they read before they answer about a session, and an append to a row that is gone is a conflict (A4).
 */
import { SqlClient } from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import type { Access, CheckoutSession } from "@onelane/checkout"
import * as CartBehavior from "@onelane/checkout/CartBehavior"
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
  /** Carts of completed sessions go on remembering the order and the session: they are not opened again unasked. */
  readonly keepCompleted: boolean
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
    if (over.length > 0) yield* sql.withTransaction(remove(sql, over, wanted.keepCompleted))
    return { pruned: over.length, next }
  })

const remove = (sql: SqlClient, over: ReadonlyArray<CheckoutSession.CheckoutSession>, keepCompleted: boolean) =>
  Effect.gen(function* () {
    const ids = over.map(({ id }) => escape(id))
    yield* removeAddresses(sql, "session", ids)
    yield* Effect.forEach(over, (session) => removeCart(sql, session, keepCompleted), { discard: true })
  })

// A cart that has another session by now keeps it. The fence (A4): a cart that has changed since it was read stays as it is.
const removeCart = (sql: SqlClient, session: CheckoutSession.CheckoutSession, keepCompleted: boolean) =>
  Effect.gen(function* () {
    const { cartId, closedBy, id: checkoutSessionId, orderId } = session
    const address = escape(cartId)
    const [row] =
      yield* sql<CartRow>`SELECT sequence, state FROM journal_state WHERE kind = ${"cart"} AND id = ${address}`
    if (row === undefined) return
    const state = CartBehavior.cartBehavior.decode(JSON.parse(row.state))
    if (state.sessionId !== checkoutSessionId) return
    const sequence = Number(row.sequence)
    if (!keepCompleted || closedBy !== "COMPLETED") {
      const gone = yield* sql<CartId>`DELETE FROM journal_state
        WHERE kind = ${"cart"} AND id = ${address} AND sequence = ${sequence} RETURNING id`
      if (gone.length > 0) yield* removeAddresses(sql, "cart", [address])
      return
    }
    const event: CartBehavior.Pruned = { type: "Pruned", completed: { checkoutSessionId, orderId } }
    const after = JSON.stringify(CartBehavior.cartBehavior.evolve(state, event))
    const kept = yield* sql<CartId>`UPDATE journal_state SET sequence = ${sequence + 1}, state = ${after}
      WHERE kind = ${"cart"} AND id = ${address} AND sequence = ${sequence} RETURNING id`
    if (kept.length > 0)
      yield* sql`INSERT INTO journal_events (kind, id, sequence, events)
        VALUES (${"cart"}, ${address}, ${sequence + 1}, ${JSON.stringify([event])})`
  })

interface CartId {
  readonly id: string
}

interface CartRow {
  readonly sequence: number | string
  readonly state: string
}

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
