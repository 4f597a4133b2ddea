import { SqlClient } from "@effect/sql/SqlClient"
import { assert, it } from "@effect/vitest"
import { SqliteClient } from "@onelane/sql"
import { Effect } from "effect"
import * as Dialect from "../src/journal/Dialect.js"
import * as Migrations from "../src/journal/Migrations.js"

it.effect("a commit on SQLite looks a digest up by its whole key, however many its address has", () =>
  Effect.gen(function* () {
    yield* Migrations.run
    const sql = yield* SqlClient
    const [text] = Dialect.of(sql).append({ first: true, keyed: true, bodied: false }).compile(true)
    const plan = yield* sql.unsafe<{ readonly detail: string }>(`EXPLAIN QUERY PLAN ${text}`, ["[]"])
    const known = plan.map(({ detail }) => detail).filter((detail) => detail.includes(" known "))
    assert.deepStrictEqual(known, ["SEARCH known USING PRIMARY KEY (kind=? AND id=? AND digest=?)"])
  }).pipe(Effect.provide(SqliteClient.layer({ filename: ":memory:" })))
)
