/**
 * Databases: the two kinds a list must read alike, an empty one of its own for whoever asks. Each test file makes its own:
 * a module is shared by the files of a process, and the PostgreSQL of one file is gone for the next.
 */
import { type DatabaseRefused, SqliteClient, type Statements } from "@onelane/sql"
import * as PostgresClient from "@onelane/sql/PostgresClient"
import { Effect, Layer, type Scope } from "effect"
import * as Postgres from "./Postgres.js"
import { temporaryFile } from "./TemporaryFile.js"

type Client = Layer.Layer<Statements.Client, DatabaseRefused.DatabaseRefused>

type Places = ReadonlyArray<readonly [string, Effect.Effect<Client, never, Scope.Scope>]>

/** Places of their own, to be opened as often as wanted; starts one PostgreSQL for the test file that calls it. */
export const makePlaces = (): Places => {
  const postgres = Postgres.forThisFile()
  return [
    ["an SQLite file", Effect.map(temporaryFile, (filename) => SqliteClient.layer({ filename }))],
    [
      "PostgreSQL",
      Effect.map(Effect.orDie(Effect.flatMap(postgres, ({ makePlace }) => makePlace)), (url) =>
        PostgresClient.layer({ url })
      )
    ]
  ]
}

/** Places of their own, opened once. */
export const makeDatabases = (places = makePlaces()) =>
  places.map(([where, place]) => [where, Layer.unwrapScoped(place)] as const)
