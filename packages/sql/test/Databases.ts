/**
 * Databases: the two kinds a list must read alike, an empty one of its own for whoever asks. Starts one PostgreSQL for the
 * test file that imports it.
 */
import { type DatabaseRefused, SqliteClient, type Statements } from "@onelane/sql"
import * as PostgresClient from "@onelane/sql/PostgresClient"
import { Effect, Layer, type Scope } from "effect"
import * as Postgres from "./Postgres.js"
import { temporaryFile } from "./TemporaryFile.js"

type Client = Layer.Layer<Statements.Client, DatabaseRefused.DatabaseRefused>

const postgres = Postgres.forThisFile()

/** A place of its own, to be opened as often as wanted. */
export const places: ReadonlyArray<readonly [string, Effect.Effect<Client, never, Scope.Scope>]> = [
  ["an SQLite file", Effect.map(temporaryFile, (filename) => SqliteClient.layer({ filename }))],
  [
    "PostgreSQL",
    Effect.map(Effect.orDie(Effect.flatMap(postgres, ({ makePlace }) => makePlace)), (url) =>
      PostgresClient.layer({ url })
    )
  ]
]

/** A place of its own, opened once. */
export const databases = places.map(([where, place]) => [where, Layer.unwrapScoped(place)] as const)
