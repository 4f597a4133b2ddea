/**
 * DirectoryList: the entries of the directory in pages, for operators. `DirectorySql` writes them.
 */
import { SqlClient } from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import { type Access, Caller, type Carts } from "@onelane/checkout"
import type { Directory } from "@onelane/directory"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { DatabaseRefused } from "../journal/DatabaseRefused.js"
import * as Migrations from "../journal/Migrations.js"
import type { Rows } from "../journal/Statements.js"
import { escape, unescape } from "../journal/StoredText.js"

/** Most entries per page. */
export const pageEntries = 1_000

/** The page starts after this key; "" for the first. A membership's key has two parts. */
export interface After {
  readonly after: string
  readonly afterMember?: string | undefined
  /** 1..1,000. A page with fewer entries is the last. */
  readonly limit: number
}

/** A user who may act for an account. */
export interface AccountMember {
  readonly accountId: string
  readonly userId: string
}

/** An account that is a member of a store. */
export interface StoreMember {
  readonly storeId: string
  readonly accountId: string
}

type Page<A> = (after: After) => Effect.Effect<ReadonlyArray<A>, Access.PortUnavailable>

/** Pages by id. */
export interface DirectoryListShape {
  readonly users: Page<Directory.User>
  readonly accounts: Page<Directory.Account>
  readonly stores: Page<{ readonly id: string }>
  readonly accountMembers: Page<AccountMember>
  readonly storeMembers: Page<StoreMember>
  readonly carts: Page<Carts.Cart>
  /** Whether an entry exists. */
  readonly holds: (entry: Directory.UnknownEntry["entry"], id: string) => Effect.Effect<boolean, Access.PortUnavailable>
}

/** The list. */
export class DirectoryList extends Context.Tag("@onelane/sql/DirectoryList")<DirectoryList, DirectoryListShape>() {}

const text = (value: unknown): string => unescape(String(value))

const rolesOf = (stored: unknown): ReadonlyArray<Caller.Role> => {
  const granted: ReadonlyArray<unknown> = JSON.parse(String(stored))
  return Caller.roles.filter((role) => granted.includes(role))
}

const unavailable = (cause: SqlError): Access.PortUnavailable => ({
  _tag: "PortUnavailable",
  port: "DirectoryList",
  cause
})

/** Creates the list; the tables must be up to date. */
export const make = (sql: SqlClient): DirectoryListShape => {
  const page =
    <A>(table: string, keys: readonly [string, string?], decode: (row: Rows[number]) => A): Page<A> =>
    ({ after, afterMember = "", limit }) => {
      const [first, second] = keys
      const isAfter =
        second === undefined
          ? sql`${sql(first)} > ${escape(after)}`
          : sql`(${sql(first)}, ${sql(second)}) > (${escape(after)}, ${escape(afterMember)})`
      const order = second === undefined ? sql`${sql(first)}` : sql`${sql(first)}, ${sql(second)}`
      return sql<Rows[number]>`SELECT * FROM ${sql(table)} WHERE ${isAfter}
        ORDER BY ${order} LIMIT ${Math.min(Math.max(1, Math.trunc(limit)), pageEntries)}`.pipe(
        Effect.map((rows) => rows.map(decode)),
        Effect.mapError(unavailable)
      )
    }
  return {
    users: page("users", ["id"], ({ id, roles }) => ({ id: text(id), roles: rolesOf(roles) })),
    accounts: page("accounts", ["id"], ({ active, id }) => ({ id: text(id), active: Boolean(active) })),
    stores: page("stores", ["id"], ({ id }) => ({ id: text(id) })),
    accountMembers: page("account_members", ["account_id", "user_id"], ({ account_id, user_id }) => ({
      accountId: text(account_id),
      userId: text(user_id)
    })),
    storeMembers: page("store_members", ["store_id", "account_id"], ({ account_id, store_id }) => ({
      storeId: text(store_id),
      accountId: text(account_id)
    })),
    carts: page("carts", ["id"], ({ account_id, id, owner_id, status, store_id }) => ({
      id: text(id),
      storeId: text(store_id),
      accountId: text(account_id),
      ownerId: text(owner_id),
      status: status as Carts.CartStatus
    })),
    holds: (entry, id) =>
      sql`SELECT 1 FROM ${sql(`${entry}s`)} WHERE id = ${escape(id)}`.pipe(
        Effect.map((rows) => rows.length > 0),
        Effect.mapError(unavailable)
      )
  }
}

/** The list on the current client; brings its tables up to date first. */
export const layer: Layer.Layer<DirectoryList, DatabaseRefused, SqlClient> = Layer.effect(
  DirectoryList,
  Effect.map(SqlClient, make)
).pipe(Layer.provide(Migrations.layer))
