/**
 * CartsSql: the cart port on the directory tables.
 */
import { SqlClient } from "@effect/sql/SqlClient"
import { Carts } from "@onelane/checkout"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { DatabaseRefused } from "../journal/DatabaseRefused.js"
import * as Migrations from "../journal/Migrations.js"
import * as PortFailure from "../journal/PortFailure.js"
import { prepareLookup } from "../journal/Prepared.js"
import { type Rows, Statements, type StatementsShape } from "../journal/Statements.js"
import { escape, unescape } from "../journal/StoredText.js"

const toCart = ([row]: Rows): Carts.Cart | null =>
  row === undefined
    ? null
    : {
        id: unescape(row.id as string),
        storeId: unescape(row.store_id as string),
        accountId: unescape(row.account_id as string),
        ownerId: unescape(row.owner_id as string),
        status: row.status as Carts.CartStatus
      }

const unavailable = PortFailure.of("Carts")

/** Creates the port; the tables must be up to date. */
export const make = (sql: SqlClient, statements: StatementsShape): Carts.CartsShape => {
  const find = prepareLookup(
    statements,
    sql`SELECT id, store_id, account_id, owner_id, status FROM carts WHERE id = ${"cart"}`,
    toCart,
    unavailable
  )
  return {
    book: "unknown",
    find: (cartId) => find(escape(cartId)),
    assign: (cartId, { accountId, ownerId, storeId }) =>
      sql`UPDATE carts SET store_id = ${escape(storeId)}, account_id = ${escape(accountId)},
        owner_id = ${escape(ownerId)} WHERE id = ${escape(cartId)}`.pipe(Effect.mapError(unavailable), Effect.asVoid),
    kept: makeKept(sql)
  }
}

/** Rows that one statement removes. */
const removalRows = 200

const makeKept = (sql: SqlClient): Carts.KeptBuyers => ({
  cartsOf: (ownerId) =>
    sql<{ readonly id: string }>`SELECT id FROM carts WHERE owner_id = ${escape(ownerId)}`.pipe(
      Effect.mapBoth({ onFailure: unavailable, onSuccess: (rows) => rows.map(({ id }) => unescape(id)) })
    ),
  erase: (cartIds, userId) => {
    const user = userId === null ? null : escape(userId)
    const statements = [
      ...pagesOf(cartIds.map(escape)).map((ids) => sql`DELETE FROM carts WHERE ${sql.in("id", ids)} RETURNING id`),
      ...(user === null
        ? []
        : [
            sql`DELETE FROM account_members WHERE user_id = ${user} RETURNING user_id`,
            sql`DELETE FROM users WHERE id = ${user} RETURNING id`,
            sql`DELETE FROM api_keys WHERE user_id = ${user} RETURNING id`
          ])
    ]
    return sql
      .withTransaction(Effect.reduce(statements, 0, (sum, one) => Effect.map(one, ({ length }) => sum + length)))
      .pipe(Effect.mapError(unavailable))
  }
})

const pagesOf = (ids: ReadonlyArray<string>): ReadonlyArray<ReadonlyArray<string>> =>
  Array.from({ length: Math.ceil(ids.length / removalRows) }, (_, page) =>
    ids.slice(page * removalRows, (page + 1) * removalRows)
  )

/** The cart port on the current client; brings its tables up to date first. */
export const layer: Layer.Layer<Carts.Carts, DatabaseRefused, SqlClient | Statements> = Layer.effect(
  Carts.Carts,
  Effect.zipWith(SqlClient, Statements, make)
).pipe(Layer.provide(Migrations.layer))
