import { inspect } from "node:util"
import { assert, describe, it } from "@effect/vitest"
import { type DatabaseRefused, Redacted, SqliteClient } from "@onelane/sql"
import * as PostgresClient from "@onelane/sql/PostgresClient"
import { Effect, Layer } from "effect"

const urls = [
  "postgres://user:secret@host/db",
  "postgresql://user:se/cr:et@ret@host:5432/db?sslmode=require",
  "POSTGRES://user:secret@host/db",
  "postgres:/user:secret@host/db",
  "postgres:user:secret@host",
  "postgres://host/db?user=me&password=secret",
  "mysql://user:secret@host"
]

describe("Redacted", () => {
  it("shows a url without its password, however it is mistyped, in the middle of a sentence", () => {
    for (const url of urls) {
      const shown = Redacted.text(`there is no ${url}; "onelane migrate --storage ${url}" makes it`)
      for (const part of ["secret", "se/cr", "ret@"]) assert.notInclude(shown, part, url)
      assert.include(shown, "host", url)
      assert.match(shown, /makes it$/)
    }
  })
  it("leaves every other text as it is", () => {
    for (const text of [
      "checkout.db was not opened: it is damaged",
      "postgres://user@host/db",
      "ann@example.com",
      "a:b"
    ])
      assert.strictEqual(Redacted.text(text), text)
  })
  it.scoped("no refusal to open a database shows a password, nor does its cause", () =>
    Effect.gen(function* () {
      for (const url of urls) {
        const layers = [
          SqliteClient.layer({ filename: `/nowhere/${url}` }),
          PostgresClient.layer({ url, connectMillis: 50 })
        ]
        for (const layer of layers) {
          const refused = yield* Effect.flip(
            Layer.build(layer as Layer.Layer<unknown, DatabaseRefused.DatabaseRefused>)
          )
          const shown = `${inspect(refused, { depth: 9 })} ${JSON.stringify(refused)} ${refused.stack}`
          for (const part of ["secret", "se/cr", "ret@"]) assert.notInclude(shown, part, url)
        }
      }
    })
  )
})
