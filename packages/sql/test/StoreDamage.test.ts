import { openSync, writeSync } from "node:fs"
import { SqlClient } from "@effect/sql/SqlClient"
import { assert, describe, it } from "@effect/vitest"
import { Address, Journal } from "@onelane/engine"
import { DatabaseRefused, JournalSql, Migrations, SqliteClient, StoreDamage } from "@onelane/sql"
import { Effect, Layer } from "effect"
import { makeDatabases } from "./Databases.js"
import { temporaryFile } from "./TemporaryFile.js"

const databases = makeDatabases()

const refusalOf = (client: Layer.Layer<SqlClient, DatabaseRefused.DatabaseRefused>) =>
  Effect.map(Effect.flip(Effect.provide(Migrations.run, client)), (error) => {
    assert.instanceOf(error, DatabaseRefused.DatabaseRefused)
    return error
  })

for (const [where, client] of databases)
  describe(`StoreDamage on ${where}`, () => {
    it.scoped("a missing table is damage, by its name, and is not made anew", () =>
      Effect.gen(function* () {
        yield* Migrations.run
        const sql = yield* SqlClient
        assert.deepStrictEqual(yield* StoreDamage.missingTables, [])
        yield* sql`DROP TABLE journal_keys`
        yield* sql`DROP TABLE carts`
        assert.deepStrictEqual(yield* StoreDamage.missingTables, ["journal_keys", "carts"])
        const error = yield* Effect.flip(Migrations.run)
        assert.strictEqual(error.reason, "CORRUPT")
        assert.match(error.message, /tables are missing: journal_keys, carts: .*onelane restore/)
      }).pipe(Effect.provide(Layer.fresh(client)))
    )
  })

describe("StoreDamage", () => {
  const filled = Effect.tap(temporaryFile, (filename) =>
    Effect.provide(
      Effect.flatMap(Journal.Journal, (journal) =>
        Effect.forEach(Array.from({ length: 60 }).keys(), (n) =>
          journal.append([
            {
              address: Address.make("session", `s${n}`),
              expectedSequence: 0,
              events: [{ n }],
              state: "x".repeat(3_000),
              alarmMillis: null
            }
          ])
        )
      ),
      Layer.provide(JournalSql.layer, SqliteClient.layer({ filename }))
    )
  )

  /** Overwrites pages, from the first to before the last. */
  const harm = (filename: string, first: number, last: number): void => {
    const file = openSync(filename, "r+")
    for (let page = first; page < last; page++) writeSync(file, Buffer.alloc(4_096, 0xa5), 0, 4_096, page * 4_096)
  }

  it.scoped("damaged pages are found and named, and a sound file has none", () =>
    Effect.gen(function* () {
      const filename = yield* filled
      const faults = Effect.suspend(() => Effect.provide(StoreDamage.faults, SqliteClient.layer({ filename })))
      assert.deepStrictEqual(yield* faults, [])
      harm(filename, 30, 34)
      assert.isNotEmpty(yield* faults)
    })
  )

  it.scoped("damage that the start meets is called damage, with what to do", () =>
    Effect.gen(function* () {
      const filename = yield* filled
      harm(filename, 1, 25)
      const error = yield* refusalOf(SqliteClient.layer({ filename }))
      assert.strictEqual(error.reason, "CORRUPT")
      assert.match(error.message, /damaged/)
      assert.match(error.message, /onelane restore|restore it from a copy/)
    })
  )
})
