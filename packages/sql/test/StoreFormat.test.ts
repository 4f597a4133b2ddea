/**
 * Stores of a format before or after this one. What is in `stores/` was written by a release of that format and must open
 * for ever.
 */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { SqlClient } from "@effect/sql/SqlClient"
import { assert, describe, it } from "@effect/vitest"
import {
  Access,
  Caller,
  Carts,
  CheckoutEngine,
  CheckoutSession,
  CheckoutSessions,
  Flow,
  StoreFormat
} from "@onelane/checkout"
import { type DatabaseRefused, JournalSql, Migrations, SqliteClient, type Statements } from "@onelane/sql"
import * as PostgresClient from "@onelane/sql/PostgresClient"
import { Cause, Effect, Exit, Layer } from "effect"
import * as SqliteDriver from "../src/sqlite/SqliteDriver.js"
import * as Postgres from "./Postgres.js"
import { temporaryFile } from "./TemporaryFile.js"

/** Statements that make a store as a release of this format left it: what `sqlite3 store.db .dump` prints. */
const dumpOf = (format: number): ReadonlyArray<string> =>
  readFileSync(join(import.meta.dirname, "stores", `format-${format}.sql`), "utf8").split(";\n--\n")

// An SQLite file is the dump itself, tables and all.
const file = Effect.map(temporaryFile, (filename) => ({
  client: SqliteClient.layer({ filename }),
  restore: (format: number) =>
    Effect.promise(async () => {
      const { open } = await SqliteDriver.load()
      const file = open(filename)
      for (const text of ["PRAGMA application_id=0x314c616e", ...dumpOf(format)]) file.exec(text)
      file.close()
    })
}))

const server = Postgres.forThisFile()

// PostgreSQL gets its rows, behind the migrations of this release.
const database = Effect.map(Effect.orDie(Effect.flatMap(server, ({ makePlace }) => makePlace)), (url) => {
  const client = PostgresClient.layer({ url })
  const rowsOf = (format: number) => dumpOf(format).filter((text) => text.trim().startsWith("INSERT INTO journal_"))
  return {
    client,
    restore: (format: number) =>
      Effect.gen(function* () {
        yield* Migrations.run
        const sql = yield* SqlClient
        yield* Effect.forEach(rowsOf(format), (text) => sql.unsafe(text), { discard: true })
      }).pipe(Effect.provide(client), Effect.scoped)
  }
})

const places = [
  ["an SQLite file", file],
  ["PostgreSQL", database]
] as const

const flow = Flow.withTasks(Flow.b2b, { "Shipping Address": {} })

const engineOn = (client: Layer.Layer<Statements.Client, DatabaseRefused.DatabaseRefused>) =>
  CheckoutEngine.layer({ flow }).pipe(
    Layer.provide(JournalSql.layer),
    Layer.provide(Layer.merge(Access.layerTrusted, Carts.layerTrusted)),
    Layer.provideMerge(client)
  )

const { host } = Caller
const moved = { expCurrentState: "Start", nextState: "Shipping Address", idempotencyKey: "k1" }

describe.each(places)("a store of another format on %s", (_, place) => {
  it.scopedLive("a store of format 1 is opened, read and written", () =>
    Effect.gen(function* () {
      const { client, restore } = yield* place
      yield* restore(1)
      yield* Effect.gen(function* () {
        const sessions = yield* CheckoutSessions.CheckoutSessions
        const claimed = yield* sessions.get(host, { checkoutSessionId: "cs_claimed" })
        assert.deepInclude(claimed, { state: "Shipping Address", nextState: "Inventory", version: 3 })
        assert.deepStrictEqual(CheckoutSession.violations(claimed), [])
        const again = yield* sessions.update(host, { checkoutSessionId: "cs_claimed", ...moved })
        assert.deepInclude(again, { replayed: true })
        assert.deepInclude(again.session, { state: "Shipping Address", version: 2 })
        const { operationId } = claimed
        const done = yield* sessions.completeTask(host, {
          checkoutSessionId: "cs_claimed",
          operationId: operationId!,
          orderId: "order-1"
        })
        assert.deepInclude(done.session, { state: "Inventory", version: 4, orderId: "order-1" })
        const over = yield* Effect.flip(sessions.update(host, { checkoutSessionId: "cs_over", ...moved }))
        assert.strictEqual(over._tag, "SessionClosed")
        const open = yield* sessions.open(host, { cartId: "cart-claimed" })
        assert.deepInclude(open, { created: false })
        assert.strictEqual(open.session.id, "cs_claimed")
        const history = yield* sessions.history(host, { checkoutSessionId: "cs_claimed" })
        assert.deepStrictEqual(
          history.map(({ type }) => type),
          ["Opened", "Updated", "Claimed", "TaskCompleted"]
        )
      }).pipe(Effect.provide(engineOn(client)))
    })
  )

  it.scopedLive("a store of a newer format is not opened, and says so", () =>
    Effect.gen(function* () {
      const { client, restore } = yield* place
      yield* restore(1)
      yield* Effect.provide(
        Effect.flatMap(SqlClient, (sql) => sql`UPDATE store_format SET format = ${StoreFormat.current + 1}`),
        client
      )
      const exit = yield* Effect.exit(Effect.scoped(Layer.build(engineOn(client))))
      const refused = Exit.isFailure(exit) ? Cause.squash(exit.cause) : null
      assert.deepInclude(refused, { reason: "NEWER" })
      assert.match(String((refused as Error).message), /in format 2, this release knows format 1/)
    })
  )

  it.scopedLive("a session or a cart of a newer format is not read, and nothing of it is written", () =>
    Effect.gen(function* () {
      const { client, restore } = yield* place
      yield* restore(1)
      const run = Effect.gen(function* () {
        const sql = yield* SqlClient
        yield* sql`UPDATE journal_state SET state = replace(state, ${'"format":1'}, ${'"format":9'})
          WHERE id = 'cs_claimed' OR id = 'cart-claimed'`
        const sessions = yield* CheckoutSessions.CheckoutSessions
        const refused = [
          yield* Effect.flip(sessions.get(host, { checkoutSessionId: "cs_claimed" })),
          yield* Effect.flip(sessions.update(host, { checkoutSessionId: "cs_claimed", ...moved })),
          yield* Effect.flip(sessions.open(host, { cartId: "cart-claimed" }))
        ]
        for (const each of refused)
          assert.deepInclude(each, { _tag: "StorageUnavailable", reason: "FORMAT", retryable: true, applied: "no" })
        const [{ sequence } = { sequence: null }] = yield* sql<{ readonly sequence: number }>`SELECT sequence
          FROM journal_state WHERE id = 'cs_claimed'`
        assert.strictEqual(Number(sequence), 3)
        assert.strictEqual((yield* sessions.get(host, { checkoutSessionId: "cs_over" })).id, "cs_over")
      })
      yield* Effect.provide(run, engineOn(client))
    })
  )
})
