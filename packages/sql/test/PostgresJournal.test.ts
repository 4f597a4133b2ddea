import { CheckoutEngine } from "@onelane/checkout"
import { AccessSql, CartsSql, DirectoryCacheSql, DirectorySql, JournalSql } from "@onelane/sql"
import * as PostgresClient from "@onelane/sql/PostgresClient"
import { CheckoutSuite, DirectorySuite, JournalSuite } from "@onelane/testkit"
import { Effect, Layer } from "effect"
import * as Postgres from "./Postgres.js"

const postgres = Postgres.forThisFile()
const place = Effect.flatMap(postgres, ({ makePlace }) => makePlace)
const client = (url: string) => PostgresClient.layer({ url })

JournalSuite.run("JournalSql on PostgreSQL", {
  makeLayer: Effect.map(place, (url) => Layer.provide(JournalSql.layer, client(url))),
  survivesClosing: true
})

const directory = Layer.mergeAll(AccessSql.layer, CartsSql.layer, DirectorySql.layer)

DirectorySuite.run(
  "the directory on PostgreSQL",
  Effect.map(place, (url) => Layer.provide(directory, client(url)))
)

DirectorySuite.run(
  "the cached directory on PostgreSQL",
  Effect.map(place, (url) => Layer.provide(DirectoryCacheSql.layer(), client(url)))
)

CheckoutSuite.run("the service on PostgreSQL", (flow) =>
  Layer.unwrapEffect(
    Effect.map(place, (url) =>
      CheckoutEngine.layer({ flow }).pipe(
        Layer.provideMerge(Layer.merge(JournalSql.layer, directory)),
        Layer.provide(client(url))
      )
    )
  )
)
