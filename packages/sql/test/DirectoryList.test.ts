import { assert, describe, it } from "@effect/vitest"
import { Directory } from "@onelane/directory"
import { DirectoryList, DirectorySql } from "@onelane/sql"
import { Effect, Layer } from "effect"
import { makeDatabases } from "./Databases.js"

const databases = makeDatabases()

const directory = Layer.merge(DirectorySql.layer, DirectoryList.layer)

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

for (const [where, client] of databases)
  describe(`DirectoryList on ${where}`, () => {
    const world = Layer.fresh(Layer.provide(directory, client))

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

    it.scoped("knows what it holds, by its exact id", () =>
      Effect.gen(function* () {
        yield* seed
        const { holds } = yield* DirectoryList.DirectoryList
        const asked = [
          ["user", awkward],
          ["account", "closed"],
          ["store", "store"],
          ["cart", "cart"],
          ["user", "Ann"],
          ["cart", "ann"]
        ] as const
        const answers = yield* Effect.forEach(asked, ([entry, id]) => holds(entry, id))
        assert.deepStrictEqual(answers, [true, true, true, true, false, false])
      }).pipe(Effect.provide(world))
    )
  })
