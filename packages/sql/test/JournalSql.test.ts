import { SqlClient } from "@effect/sql/SqlClient"
import { JournalSql, SqliteClient } from "@onelane/sql"
import { JournalSuite } from "@onelane/testkit"
import { Effect, Layer } from "effect"
import { runPrepared, runWriting } from "../src/journal/Prepared.js"
import { temporaryFile } from "./TemporaryFile.js"

const journalOn = (filename: string, thread?: SqliteClient.SqliteOptions["thread"]) =>
  Layer.provide(JournalSql.layer, SqliteClient.layer({ filename, thread }))

JournalSuite.run("JournalSql on an SQLite file", {
  makeLayer: Effect.map(temporaryFile, (filename) => journalOn(filename)),
  survivesClosing: true
})

JournalSuite.run("JournalSql on an SQLite file, written from a thread", {
  makeLayer: Effect.map(temporaryFile, (filename) => journalOn(filename, "always")),
  survivesClosing: true
})

JournalSuite.run("JournalSql on SQLite in memory", {
  makeLayer: Effect.sync(() => Layer.fresh(journalOn(":memory:"))),
  survivesClosing: false
})

// The client's short way taken from it: the same statements through SqlClient alone.
const withoutShortWay = Layer.effect(
  SqlClient,
  Effect.map(SqlClient, (sql) =>
    Object.assign(((...args: Parameters<typeof sql>) => sql(...args)) as SqlClient, sql, {
      [runPrepared]: undefined,
      [runWriting]: undefined
    })
  )
)

JournalSuite.run("JournalSql through SqlClient", {
  makeLayer: Effect.map(temporaryFile, (filename) =>
    JournalSql.layer.pipe(Layer.provide(withoutShortWay), Layer.provide(SqliteClient.layer({ filename })))
  ),
  survivesClosing: true
})
