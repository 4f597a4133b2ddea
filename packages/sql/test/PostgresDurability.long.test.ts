/** Servers that acknowledge before a commit is on their disk, from the start or from some moment on. */
import { SqlClient } from "@effect/sql/SqlClient"
import { assert, describe, it } from "@effect/vitest"
import { Carts } from "@onelane/checkout"
import { Directory } from "@onelane/directory"
import { Address, Journal } from "@onelane/engine"
import { ApiKeysSql, CartsSql, DirectorySql, JournalSql } from "@onelane/sql"
import * as PostgresClient from "@onelane/sql/PostgresClient"
import { Effect, Layer, Logger, Schedule } from "effect"
import * as PostgresFailure from "../src/postgres/PostgresFailure.js"
import * as Postgres from "./Postgres.js"

const postgres = Postgres.forThisFile(["-c", "synchronous_commit=off"])
const place = Effect.flatMap(postgres, ({ makePlace }) => makePlace)

const append = (expectedSequence: number) =>
  Effect.flatMap(Journal.Journal, (journal) =>
    journal.append([
      { address: Address.make("Thing", "a"), expectedSequence, events: [{}], state: 1, alarmMillis: null }
    ])
  )

const lines: Array<string> = []
const logger = Logger.replace(
  Logger.defaultLogger,
  Logger.make(({ message }) => lines.push(String(message)))
)

const store = (url: string) =>
  JournalSql.layer.pipe(Layer.provideMerge(PostgresClient.layer({ url })), Layer.provide(logger))

const set = (name: string, value: string) =>
  Effect.flatMap(postgres, ({ query }) =>
    Effect.zipRight(query(`ALTER SYSTEM SET ${name} = ${value}`), query("SELECT pg_reload_conf()"))
  )

describe("PostgresDurability", () => {
  it.scopedLive("commits are synchronous on every connection, whatever the server is set to", () =>
    Effect.gen(function* () {
      const run = Effect.gen(function* () {
        const sql = yield* SqlClient
        const shown = sql<{ readonly synchronous_commit: string }>`SHOW synchronous_commit`
        const found = yield* Effect.all(
          Array.from({ length: 5 }, () => shown),
          { concurrency: 5 }
        )
        assert.deepStrictEqual([...new Set(found.map(([row]) => row!.synchronous_commit))], ["on"])
      })
      yield* Effect.provide(run, store(yield* place))
    })
  )

  it.scopedLive("nothing is written while fsync or full_page_writes is off; it goes on by itself", () =>
    Effect.gen(function* () {
      const url = yield* place
      const run = Effect.gen(function* () {
        let written = 0
        for (const name of ["fsync", "full_page_writes"]) {
          assert.deepStrictEqual(yield* append(written++), ["committed"])
          yield* set(name, "off")
          let refused: Journal.JournalFailure | null = null
          for (let tries = 0; refused === null && tries < 200; tries++) {
            const answer = yield* Effect.either(Effect.delay(append(written), 50))
            if (answer._tag === "Right") written += 1
            else refused = answer.left
          }
          assert.deepInclude(refused, { reason: "NOT_DURABLE", applied: "no" })
          const opening = yield* Effect.flip(Effect.scoped(PostgresClient.make({ url })))
          assert.deepInclude(opening, { reason: "NOT_DURABLE" })
          assert.include(opening.message, `${name}=off`)
          yield* set(name, "on")
          const again = Schedule.spaced(50).pipe(Schedule.intersect(Schedule.recurs(200)))
          assert.deepStrictEqual(yield* Effect.retry(append(written++), again), ["committed"])
        }
        assert.isTrue(lines.some((line) => line.includes("nothing is written")))
      })
      yield* Effect.provide(run, store(url))
    })
  )

  it.scopedLive(
    "no door writes while fsync is off: users, carts, keys, removal and transactions are refused, reads go on",
    () =>
      Effect.gen(function* () {
        const url = yield* place
        const cart = { id: "c", storeId: "s", accountId: "a", ownerId: "u", status: "Active" } as const
        const key = { id: "k", label: "", digest: "d", userId: "u", roles: [], accountId: null, createdAt: 0 }
        const run = Effect.gen(function* () {
          const directory = yield* Directory.Directory
          const keys = yield* ApiKeysSql.ApiKeys
          const carts = yield* Carts.Carts
          const sql = yield* SqlClient
          const { remove } = yield* Journal.Journal
          const owner = { accountId: "a", ownerId: "v", storeId: "s" }
          const writes: ReadonlyArray<readonly [string, Effect.Effect<unknown, unknown>]> = [
            ["putUser", directory.putUser({ id: "u", roles: [] })],
            ["putCart", directory.putCart(cart)],
            ["setCartStatus", directory.setCartStatus("c", "Closed")],
            ["removeUser", directory.removeUser("u")],
            ["assign", carts.assign!("c", owner)],
            ["add", keys.add({ ...key, expiresAt: null, revokedAt: null })],
            ["revoke", keys.revoke("k", 1)],
            ["erase", carts.kept!.erase(["c"], "u")],
            ["remove", remove("Thing", [{ id: "a", sequence: 1 }])],
            ["transaction", sql.withTransaction(sql`UPDATE carts SET status = 'Closed'`)],
            ["plain", sql`DELETE FROM carts`]
          ]
          const count = Effect.map(
            sql<{ readonly n: number }>`SELECT count(*)::int AS n FROM carts WHERE status = 'Active'`,
            ([row]) => row!.n
          )
          yield* directory.putCart(cart)
          yield* set("fsync", "off")
          yield* Effect.repeat(Effect.either(Effect.delay(directory.putUser({ id: "u", roles: [] }), 50)), {
            until: ({ _tag }) => _tag === "Left",
            times: 200
          })
          for (const [name, write] of writes) {
            const refused = yield* Effect.flip(write)
            const said = refused as { readonly _tag: string; readonly reason?: string; readonly cause?: unknown }
            if (said._tag === "PortUnavailable") assert.strictEqual(said.reason, "NOT_DURABLE", name)
            else assert.strictEqual(PostgresFailure.classify(said.cause).reason, "NOT_DURABLE", name)
          }
          assert.strictEqual(yield* count, 1)
          yield* set("fsync", "on")
          const again = Schedule.spaced(50).pipe(Schedule.intersect(Schedule.recurs(200)))
          for (const [name, write] of writes) yield* Effect.retry(write, again).pipe(Effect.orDieWith(() => name))
          assert.strictEqual(yield* count, 0)
        })
        const all = Layer.mergeAll(JournalSql.layer, DirectorySql.layer, CartsSql.layer, ApiKeysSql.layer)
        yield* Effect.provide(run, all.pipe(Layer.provideMerge(PostgresClient.layer({ url })), Layer.provide(logger)))
      })
  )

  it.scopedLive("a client for leases writes also while fsync is off", () =>
    Effect.gen(function* () {
      const url = yield* place
      const run = Effect.gen(function* () {
        const sql = yield* SqlClient
        yield* sql`CREATE TABLE leases (n int)`
        yield* set("fsync", "off")
        yield* Effect.sleep(1_500)
        yield* sql`INSERT INTO leases VALUES (1)`
        yield* set("fsync", "on")
      })
      yield* Effect.provide(run, PostgresClient.layer({ url, connections: 1, forLeases: true }))
    })
  )

  it("a server that could not be reached refused nothing", () => {
    const { notSent, sentenceOf } = PostgresFailure
    assert.match(sentenceOf(notSent(new Error("connect ECONNREFUSED"))), /could not be reached; nothing was sent/)
    assert.match(sentenceOf(new Error("Connection terminated unexpectedly")), /gave no answer/)
    assert.match(sentenceOf({ code: "42P01", severity: "ERROR" }), /refused a statement/)
  })
})
