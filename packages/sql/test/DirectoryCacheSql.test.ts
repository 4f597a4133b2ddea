import { SqlClient } from "@effect/sql/SqlClient"
import { assert, describe, it } from "@effect/vitest"
import { Access, Caller, Carts } from "@onelane/checkout"
import { Directory } from "@onelane/directory"
import { DirectoryCacheSql, SqliteClient } from "@onelane/sql"
import { DirectorySuite } from "@onelane/testkit"
import { Effect, Exit, Layer } from "effect"
import { temporaryFile } from "./TemporaryFile.js"

DirectorySuite.run(
  "DirectoryCacheSql on an SQLite file",
  Effect.map(temporaryFile, (filename) => Layer.provide(DirectoryCacheSql.layer(), SqliteClient.layer({ filename })))
)

const ann = Caller.make("ann", [])
const subject: Access.Subject = { cartId: "cart", storeId: "store", accountId: "acme", ownerId: "ann" }

describe("DirectoryCacheSql", () => {
  it.scoped("a right asked for before is answered without a query, until it is revoked", () =>
    Effect.gen(function* () {
      const directory = yield* Directory.Directory
      const access = yield* Access.Access
      const carts = yield* Carts.Carts
      const sql = yield* SqlClient
      yield* directory.putUser({ id: "ann", roles: ["buyer-checkout"] })
      yield* directory.putAccount({ id: "acme", active: true })
      yield* directory.putStore("store")
      yield* directory.putAccountMember("acme", "ann")
      yield* directory.putStoreMember("store", "acme")
      yield* directory.putCart({ id: "cart", storeId: "store", accountId: "acme", ownerId: "ann", status: "Active" })
      const rights = () => access.rights(ann, "update", subject)
      assert.deepStrictEqual(yield* rights(), Access.everyRight)
      yield* access.mayInvoke(ann, "update")
      yield* carts.find("cart")

      // Past the cache: it does not look.
      yield* sql`DELETE FROM account_members`
      yield* sql`DELETE FROM carts`
      for (const answer of [rights(), access.mayInvoke(ann, "update"), carts.find("cart")]) {
        assert.isTrue(Exit.isExit(answer))
      }
      assert.deepStrictEqual(yield* rights(), Access.everyRight)

      yield* directory.removeAccountMember("acme", "ann")
      assert.isFalse((yield* rights()).accountAccessible)
      yield* directory.removeUser("ann")
      assert.isFalse(yield* access.mayInvoke(ann, "update"))
    }).pipe(
      Effect.provide(
        Layer.fresh(Layer.provideMerge(DirectoryCacheSql.layer(), SqliteClient.layer({ filename: ":memory:" })))
      )
    )
  )
})
