/** What is said, and what is not, when a PostgreSQL is opened. */
import { inspect } from "node:util"
import { SqlClient } from "@effect/sql/SqlClient"
import { assert, describe, it } from "@effect/vitest"
import { JournalSql } from "@onelane/sql"
import * as PostgresClient from "@onelane/sql/PostgresClient"
import { Effect, Layer } from "effect"
import * as Dialect from "../src/journal/Dialect.js"
import * as Postgres from "./Postgres.js"

const postgres = Postgres.forThisFile()
const place = Effect.flatMap(postgres, ({ makePlace }) => makePlace)

const refusal = (url: string) => Effect.flip(Effect.scoped(PostgresClient.make({ url })))

const forms = [true, false].flatMap((first) =>
  [true, false].flatMap((keyed) => [true, false].map((bodied) => ({ first, keyed, bodied })))
)

describe("PostgresClient", () => {
  it.live("a password is in nothing that is said when a database does not open", () =>
    Effect.gen(function* () {
      const good = yield* place
      const urls = [
        "postgres://onelane:sEcReT@127.0.0.1:nowhere/checkout",
        "postgres://onelane:sEcReT@[127.0.0.1/checkout",
        "postgres://onelane:sEcReT@127.0.0.1:1/checkout",
        good.replace("postgres:postgres@", "postgres:sEcReT@"),
        good.replace("postgres:postgres@", "onelane:sEcReT@"),
        good.replace("/postgres?", "/missing?").replace("postgres:postgres@", "onelane:sEcReT@")
      ]
      for (const url of urls) {
        const refused = yield* refusal(url)
        assert.strictEqual(refused.reason, "CANNOT_OPEN")
        assert.notInclude(inspect(refused, { depth: 20, showHidden: true }), "sEcReT")
      }
    })
  )

  it.live("who asks for TLS is not served without", () =>
    Effect.gen(function* () {
      const url = yield* place
      const refused = yield* refusal(`${url}&sslmode=verify-full`)
      assert.strictEqual(refused.reason, "CANNOT_OPEN")
    })
  )

  it.scopedLive("a commit finds its rows one by one by their key, planned on an empty table as on any other", () =>
    Effect.gen(function* () {
      const program = Effect.gen(function* () {
        const sql = yield* SqlClient
        const { append, encode } = Dialect.of(sql)
        const row = { kind: "session", sequence: 2, state: "1", alarm_millis: null, events: "[]" }
        const records = [{ digest: "k", sequence: 2 }]
        const rows = ["b", "a", "c"].map((id) => ({ ...row, id, expected: 1, records, body: "1", behind: 0 }))
        for (const form of forms) {
          const [text] = append(form).compile(true)
          const scan = form.first ? /^->\s+CTE Scan on entry/ : /^->\s+Function Scan on entry/
          const plan = yield* sql.unsafe<{ readonly "QUERY PLAN": string }>(`EXPLAIN ${text}`, encode(rows, form))
          const lines = plan.map((line) => line["QUERY PLAN"].trim())
          const update = lines.slice(lines.findIndex((line) => line.startsWith("->  Update on journal_state")))
          assert.match(update[1]!, /^->\s+Nested Loop/)
          assert.match(update[2]!, scan)
          assert.match(
            update.slice(3).find((line) => line.includes("Scan using journal_state"))!,
            /^->\s+Index Scan using journal_state_pkey/
          )
          const seeks = lines.filter((line) => /^->\s+Index Only Scan using journal_keys_pkey/.test(line))
          assert.strictEqual(seeks.length > 0, form.keyed)
          const conditions = lines.filter((line) => line.startsWith("Index Cond:") && line.includes("digest"))
          assert.strictEqual(conditions.length, seeks.length)
        }
      })
      const url = yield* place
      yield* Effect.provide(program, Layer.provideMerge(JournalSql.layer, PostgresClient.layer({ url })))
    })
  )
})
