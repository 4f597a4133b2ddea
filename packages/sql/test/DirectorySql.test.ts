import { AccessSql, CartsSql, DirectorySql, SqliteClient } from "@onelane/sql"
import { DirectorySuite } from "@onelane/testkit"
import { Effect, Layer } from "effect"
import { temporaryFile } from "./TemporaryFile.js"

const directoryOn = (filename: string) =>
  Layer.mergeAll(AccessSql.layer, CartsSql.layer, DirectorySql.layer).pipe(
    Layer.provide(SqliteClient.layer({ filename }))
  )

DirectorySuite.run("DirectorySql on an SQLite file", Effect.map(temporaryFile, directoryOn))

DirectorySuite.run(
  "DirectorySql on SQLite in memory",
  Effect.sync(() => Layer.fresh(directoryOn(":memory:")))
)
