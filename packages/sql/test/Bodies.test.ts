/** The large part of a state, on both databases. */
import { JournalSql } from "@onelane/sql"
import { BodySuite } from "@onelane/testkit"
import { Layer } from "effect"
import { makeDatabases } from "./Databases.js"

const databases = makeDatabases()

for (const [where, client] of databases)
  BodySuite.run(`bodies on ${where}`, JournalSql.layer.pipe(Layer.provide(client)))
