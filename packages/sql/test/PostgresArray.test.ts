import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import pg from "pg"
import { ofIntegers, ofTexts } from "../src/postgres/PostgresArray.js"
import * as Postgres from "./Postgres.js"

const postgres = Postgres.forThisFile()

const texts = ["", "plain", 'quote " and \\ and {brace, comma}', "NULL", "é 中 🛒", "x".repeat(70_000)]
const integers = [0, 1, -1, null, 2 ** 31, -(2 ** 31) - 1, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER]

describe("PostgresArray", () => {
  it.live("a server reads what was written", () =>
    Effect.gen(function* () {
      const { makePlace } = yield* postgres
      const client = new pg.Client({ connectionString: yield* makePlace })
      yield* Effect.promise(() => client.connect())
      const { rows } = yield* Effect.promise(() =>
        client.query("SELECT to_json($1::text[]) AS texts, $2::bigint[]::text[] AS integers, $3::text[] AS none", [
          ofTexts(texts),
          ofIntegers(integers),
          ofTexts([])
        ])
      )
      assert.deepStrictEqual(rows[0], {
        texts,
        integers: integers.map((integer) => (integer === null ? null : String(integer))),
        none: []
      })
      yield* Effect.promise(() => client.end())
    })
  )
})
