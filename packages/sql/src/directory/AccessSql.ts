/**
 * AccessSql: the access port on the directory tables. It reads the facts in one statement; the rules are in `Access`.
 */
import { SqlClient } from "@effect/sql/SqlClient"
import { Access, type Caller } from "@onelane/checkout"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { DatabaseRefused } from "../journal/DatabaseRefused.js"
import * as Migrations from "../journal/Migrations.js"
import * as PortFailure from "../journal/PortFailure.js"
import { prepareLookup } from "../journal/Prepared.js"
import { type Rows, Statements, type StatementsShape } from "../journal/Statements.js"
import { escape } from "../journal/StoredText.js"

const unavailable = PortFailure.of("Access")

const toRoles = ([row]: Rows): ReadonlyArray<Caller.Role> =>
  typeof row?.roles === "string" ? JSON.parse(row.roles) : []

const toFacts = (rows: Rows): Access.AccessFacts => ({
  roles: toRoles(rows),
  belongsToAccount: Boolean(rows[0]?.belongs),
  accountValid: Boolean(rows[0]?.valid),
  storeMember: Boolean(rows[0]?.member)
})

/** Creates the look-ups; the tables must be up to date. */
export const lookup = (sql: SqlClient, statements: StatementsShape): Access.Lookup => {
  const roles = prepareLookup(statements, sql`SELECT roles FROM users WHERE id = ${"user"}`, toRoles, unavailable)
  const facts = prepareLookup(
    statements,
    sql`SELECT
      (SELECT roles FROM users WHERE id = ${"user"}) AS roles,
      EXISTS (SELECT 1 FROM account_members WHERE account_id = ${"account"} AND user_id = ${"user"}) AS belongs,
      EXISTS (SELECT 1 FROM accounts WHERE id = ${"account"} AND active) AS valid,
      EXISTS (SELECT 1 FROM store_members WHERE store_id = ${"store"} AND account_id = ${"account"}) AS member`,
    toFacts,
    unavailable
  )
  return {
    roles: (userId) => roles(escape(userId)),
    facts: (caller, subject) => {
      const [user, account, store] = [escape(caller.userId), escape(subject.accountId), escape(subject.storeId)]
      return facts(user, account, user, account, store, account)
    }
  }
}

/** Creates the port; the tables must be up to date. */
export const make = (sql: SqlClient, statements: StatementsShape): Access.AccessShape =>
  Access.fromFacts(lookup(sql, statements))

/** The access port on the current client; brings its tables up to date first. */
export const layer: Layer.Layer<Access.Access, DatabaseRefused, SqlClient | Statements> = Layer.effect(
  Access.Access,
  Effect.zipWith(SqlClient, Statements, make)
).pipe(Layer.provide(Migrations.layer))
