/**
 * Holds: opens a store, puts one store into its directory, says "held" and stays until it is killed.
 * Usage: hold <file>
 */
import { SqlClient } from "@effect/sql/SqlClient"
import { SqliteClient } from "@onelane/sql"
import { Effect } from "effect"

const program = Effect.gen(function* () {
  const sql = yield* SqlClient
  yield* sql`INSERT INTO stores (id) VALUES ('held')`
  process.stdout.write("held\n")
  process.stdin.resume()
  yield* Effect.never
})

await Effect.runPromise(Effect.provide(program, SqliteClient.layer({ filename: process.argv[2] })))
