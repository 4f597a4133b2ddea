/**
 * ApiKeysSql: API keys as rows. Only the digest of a secret is stored, so the table cannot be used to authenticate.
 * Owns the rows; the server's authentication owns the format of a key and verifies it.
 */
import { SqlClient } from "@effect/sql/SqlClient"
import { type Access, Caller } from "@onelane/checkout"
import * as Listeners from "@onelane/checkout/Listeners"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { DatabaseRefused } from "../journal/DatabaseRefused.js"
import * as Migrations from "../journal/Migrations.js"
import * as PortFailure from "../journal/PortFailure.js"
import { prepareLookup } from "../journal/Prepared.js"
import { type Rows, Statements, type StatementsShape } from "../journal/Statements.js"
import { escape, unescape } from "../journal/StoredText.js"

/** A key. `digest`: the SHA-256 of its secret, base64. Instants are epoch milliseconds. */
export interface ApiKey {
  readonly id: string
  readonly label: string
  readonly digest: string
  readonly userId: string
  readonly roles: ReadonlyArray<Caller.Role>
  /** The account its calls act for; null when they name none. */
  readonly accountId: string | null
  readonly createdAt: number
  /** Null: it never expires. */
  readonly expiresAt: number | null
  readonly revokedAt: number | null
}

/** The table of API keys. Every call is one statement, durable when it succeeds. */
export interface ApiKeysShape {
  /** Adds a key. Its id must be new. */
  readonly add: (key: ApiKey) => Effect.Effect<void, Access.PortUnavailable>
  readonly find: (id: string) => Effect.Effect<ApiKey | null, Access.PortUnavailable>
  /** All keys, including revoked ones, oldest first. */
  readonly list: Effect.Effect<ReadonlyArray<ApiKey>, Access.PortUnavailable>
  /** Revokes a key; false if there is no such key, or it was revoked before. */
  readonly revoke: (id: string, atMillis: number) => Effect.Effect<boolean, Access.PortUnavailable>
  /** Calls `listener` after a key was revoked here. */
  readonly onChange: Access.OnChange
}

/** The API keys. */
export class ApiKeys extends Context.Tag("@onelane/sql/ApiKeysSql")<ApiKeys, ApiKeysShape>() {}

const unavailable = PortFailure.of("ApiKeys")

const millisOrNull = (value: unknown): number | null => (value === null || value === undefined ? null : Number(value))

const toKey = (row: Rows[number]): ApiKey => {
  const granted: ReadonlyArray<unknown> = JSON.parse(String(row.roles))
  return {
    id: unescape(String(row.id)),
    label: unescape(String(row.label)),
    digest: String(row.digest),
    userId: unescape(String(row.user_id)),
    roles: Caller.roles.filter((role) => granted.includes(role)),
    accountId: row.account_id === null ? null : unescape(String(row.account_id)),
    createdAt: Number(row.created_at),
    expiresAt: millisOrNull(row.expires_at),
    revokedAt: millisOrNull(row.revoked_at)
  }
}

/** Creates the service; the tables must be up to date. */
export const make = (sql: SqlClient, statements: StatementsShape): ApiKeysShape => {
  const listeners = Listeners.make()
  const find = prepareLookup(
    statements,
    sql`SELECT * FROM api_keys WHERE id = ${"id"}`,
    ([row]) => (row === undefined ? null : toKey(row)),
    unavailable
  )
  return {
    add: ({ accountId, createdAt, digest, expiresAt, id, label, revokedAt, roles, userId }) =>
      sql`INSERT INTO api_keys (id, label, digest, user_id, roles, account_id, created_at, expires_at, revoked_at)
      VALUES (${escape(id)}, ${escape(label)}, ${digest}, ${escape(userId)}, ${JSON.stringify(roles)},
        ${accountId === null ? null : escape(accountId)}, ${createdAt}, ${expiresAt}, ${revokedAt})`.pipe(
        Effect.mapError(unavailable),
        Effect.asVoid
      ),
    find: (id) => find(escape(id)),
    list: sql<Rows[number]>`SELECT * FROM api_keys ORDER BY created_at, id`.pipe(
      Effect.map((rows) => rows.map(toKey)),
      Effect.mapError(unavailable)
    ),
    revoke: (id, atMillis) =>
      sql`UPDATE api_keys SET revoked_at = ${atMillis} WHERE id = ${escape(id)} AND revoked_at IS NULL RETURNING id`.pipe(
        Effect.map((rows) => rows.length > 0),
        Effect.mapError(unavailable),
        Effect.ensuring(Effect.sync(listeners.tell))
      ),
    onChange: listeners.onChange
  }
}

/** The keys on the current client; brings its tables up to date first. */
export const layer: Layer.Layer<ApiKeys, DatabaseRefused, SqlClient | Statements> = Layer.effect(
  ApiKeys,
  Effect.zipWith(SqlClient, Statements, make)
).pipe(Layer.provide(Migrations.layer))
