/**
 * DirectorySql: the directory on a database. Each call is one statement, durable when it succeeds.
 */
import { SqlClient } from "@effect/sql/SqlClient"
import type { Statement } from "@effect/sql/Statement"
import type { Access } from "@onelane/checkout"
import { Directory } from "@onelane/directory"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { DatabaseRefused } from "../journal/DatabaseRefused.js"
import * as Migrations from "../journal/Migrations.js"
import * as PortFailure from "../journal/PortFailure.js"
import { escape } from "../journal/StoredText.js"

type Answer<E = never> = Effect.Effect<void, Access.PortUnavailable | E>

const unavailable = PortFailure.of("Directory")

const write = (statement: Statement<object>): Answer => Effect.asVoid(Effect.mapError(statement, unavailable))

/** Creates the directory; the tables must be up to date. */
export const make = (sql: SqlClient): Directory.DirectoryShape => {
  const remove = (table: string, id: string): Answer => write(sql`DELETE FROM ${sql(table)} WHERE id = ${escape(id)}`)

  const required = (entry: Directory.UnknownEntry["entry"], id: string): Answer<Directory.UnknownEntry> =>
    sql`SELECT 1 FROM ${sql(`${entry}s`)} WHERE id = ${escape(id)}`.pipe(
      Effect.mapError(unavailable),
      Effect.flatMap((rows) => (rows.length > 0 ? Effect.void : Effect.fail(Directory.unknownEntry(entry, id))))
    )

  return {
    putUser: ({ id, roles }) =>
      write(sql`INSERT INTO users (id, roles) VALUES (${escape(id)}, ${JSON.stringify(roles)})
        ON CONFLICT (id) DO UPDATE SET roles = excluded.roles`),
    removeUser: (userId) => remove("users", userId),
    putAccount: ({ active, id }) =>
      write(sql`INSERT INTO accounts (id, active) VALUES (${escape(id)}, ${active})
        ON CONFLICT (id) DO UPDATE SET active = excluded.active`),
    removeAccount: (accountId) => remove("accounts", accountId),
    putAccountMember: (accountId, userId) =>
      required("account", accountId).pipe(
        Effect.zipRight(required("user", userId)),
        Effect.zipRight(
          write(sql`INSERT INTO account_members (account_id, user_id) VALUES (${escape(accountId)}, ${escape(userId)})
            ON CONFLICT DO NOTHING`)
        )
      ),
    removeAccountMember: (accountId, userId) =>
      write(sql`DELETE FROM account_members WHERE account_id = ${escape(accountId)} AND user_id = ${escape(userId)}`),
    putStore: (storeId) => write(sql`INSERT INTO stores (id) VALUES (${escape(storeId)}) ON CONFLICT DO NOTHING`),
    removeStore: (storeId) => remove("stores", storeId),
    putStoreMember: (storeId, accountId) =>
      required("store", storeId).pipe(
        Effect.zipRight(required("account", accountId)),
        Effect.zipRight(
          write(sql`INSERT INTO store_members (store_id, account_id) VALUES (${escape(storeId)}, ${escape(accountId)})
            ON CONFLICT DO NOTHING`)
        )
      ),
    removeStoreMember: (storeId, accountId) =>
      write(sql`DELETE FROM store_members WHERE store_id = ${escape(storeId)} AND account_id = ${escape(accountId)}`),
    putCart: ({ accountId, id, ownerId, status, storeId }) =>
      write(sql`INSERT INTO carts (id, store_id, account_id, owner_id, status)
        VALUES (${escape(id)}, ${escape(storeId)}, ${escape(accountId)}, ${escape(ownerId)}, ${status})
        ON CONFLICT (id) DO UPDATE SET store_id = excluded.store_id, account_id = excluded.account_id,
          owner_id = excluded.owner_id, status = excluded.status`),
    removeCart: (cartId) => remove("carts", cartId),
    setCartStatus: (cartId, status) =>
      required("cart", cartId).pipe(
        Effect.zipRight(write(sql`UPDATE carts SET status = ${status} WHERE id = ${escape(cartId)}`))
      )
  }
}

/** The directory on the current client; brings its tables up to date first. */
export const layer: Layer.Layer<Directory.Directory, DatabaseRefused, SqlClient> = Layer.effect(
  Directory.Directory,
  Effect.map(SqlClient, make)
).pipe(Layer.provide(Migrations.layer))
