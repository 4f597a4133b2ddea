import { JournalSql, SqliteClient, Statements } from "@onelane/sql"
import { JournalSuite } from "@onelane/testkit"
import { Effect, Layer } from "effect"
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

JournalSuite.run("JournalSql through SqlClient", {
  makeLayer: Effect.map(temporaryFile, (filename) =>
    JournalSql.layer.pipe(Layer.provide(Statements.layer), Layer.provide(SqliteClient.layer({ filename })))
  ),
  survivesClosing: true
})
