import { assert, describe, it } from "@effect/vitest"
import { Directory } from "@onelane/checkout"
import { DirectoryList, DirectorySql, SqliteClient } from "@onelane/sql"
import { Effect, Layer } from "effect"

const world = Layer.merge(DirectorySql.layer, DirectoryList.layer).pipe(
  Layer.provide(SqliteClient.layer({ filename: ":memory:" })),
  Layer.fresh
)

const first = { after: "", limit: DirectoryList.pageEntries }

const awkward = "100% %u\0"

const seed = Effect.gen(function* () {
  const directory = yield* Directory.Directory
  yield* directory.putUser({ id: "ann", roles: ["buyer-checkout"] })
  yield* directory.putUser({ id: awkward, roles: [] })
  yield* directory.putAccount({ id: "acme", active: true })
  yield* directory.putAccount({ id: "closed", active: false })
  yield* directory.putStore("store")
  yield* directory.putAccountMember("acme", "ann")
  yield* directory.putAccountMember("acme", awkward)
  yield* directory.putAccountMember("closed", "ann")
  yield* directory.putStoreMember("store", "acme")
  yield* directory.putCart({ id: "cart", storeId: "store", accountId: "acme", ownerId: "ann", status: "Checkout" })
})

describe("DirectoryList", () => {
  it.scoped("gives back what was put", () =>
    Effect.gen(function* () {
      yield* seed
      const list = yield* DirectoryList.DirectoryList
      assert.sameDeepMembers(
        [...(yield* list.users(first))],
        [
          { id: "ann", roles: ["buyer-checkout"] },
          { id: awkward, roles: [] }
        ]
      )
      assert.deepStrictEqual(yield* list.accounts(first), [
        { id: "acme", active: true },
        { id: "closed", active: false }
      ])
      assert.deepStrictEqual(yield* list.stores(first), [{ id: "store" }])
      assert.deepStrictEqual(yield* list.storeMembers(first), [{ storeId: "store", accountId: "acme" }])
      assert.deepStrictEqual(yield* list.carts(first), [
        { id: "cart", storeId: "store", accountId: "acme", ownerId: "ann", status: "Checkout" }
      ])
    }).pipe(Effect.provide(world))
  )

  it.scoped("pages through memberships by both of their ends", () =>
    Effect.gen(function* () {
      yield* seed
      const { accountMembers } = yield* DirectoryList.DirectoryList
      const all = yield* accountMembers(first)
      assert.strictEqual(all.length, 3)
      const paged: Array<DirectoryList.AccountMember> = []
      for (let page = yield* accountMembers({ after: "", limit: 1 }); page.length > 0; ) {
        paged.push(...page)
        const { accountId, userId } = page[0]!
        page = yield* accountMembers({ after: accountId, afterMember: userId, limit: 1 })
      }
      assert.deepStrictEqual(paged, all)
    }).pipe(Effect.provide(world))
  )
})
