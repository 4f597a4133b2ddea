/** What a seed does at the first start, and what it leaves alone at the next. */
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Carts } from "@onelane/checkout"
import { Directory } from "@onelane/directory"
import { DirectoryList } from "@onelane/sql"
import { Effect, Schema } from "effect"
import * as Seed from "../src/operations/Seed.js"
import * as Store from "../src/serve/Store.js"
import { temporaryFolder } from "./Program.js"

const cart = { storeId: "store", accountId: "acme", ownerId: "ann" }

const seed = Schema.decodeSync(Seed.Seed)({
  users: [{ id: "ann", roles: ["buyer-checkout"] }, { id: "bob" }],
  stores: ["store"],
  accounts: [{ id: "acme", users: ["ann"], stores: ["store"] }],
  carts: [
    { id: "cart-1", ...cart },
    { id: "cart-2", ...cart, status: "Checkout" }
  ]
})

const first = { after: "", limit: 100 }

/** One start of a server: the storage is opened, seeded, used and closed. */
const started = <A, E>(
  storage: string,
  use: Effect.Effect<A, E, Carts.Carts | Directory.Directory | DirectoryList.DirectoryList>
) => Effect.provide(Effect.zipRight(Seed.put(seed), use), Store.layer(storage))

const held = Effect.gen(function* () {
  const list = yield* DirectoryList.DirectoryList
  const carts = yield* list.carts(first)
  return {
    users: yield* list.users(first),
    accounts: yield* list.accounts(first),
    members: yield* list.accountMembers(first),
    stores: yield* list.storeMembers(first),
    statuses: carts.map(({ id, status }) => `${id} ${status}`)
  }
})

describe("Seed", () => {
  it.scoped("a seed adds what is missing and keeps later changes of operators and checkouts", () =>
    Effect.gen(function* () {
      const storage = join(yield* temporaryFolder, "checkout.db")
      const atFirst = yield* started(storage, held)
      assert.deepStrictEqual(atFirst, {
        users: [
          { id: "ann", roles: ["buyer-checkout"] },
          { id: "bob", roles: [] }
        ],
        accounts: [{ id: "acme", active: true }],
        members: [{ accountId: "acme", userId: "ann" }],
        stores: [{ storeId: "store", accountId: "acme" }],
        statuses: ["cart-1 Active", "cart-2 Checkout"]
      })

      const changed = Effect.gen(function* () {
        const directory = yield* Directory.Directory
        yield* directory.setCartStatus("cart-1", "Closed")
        yield* directory.putUser({ id: "ann", roles: [] })
        yield* directory.putAccount({ id: "acme", active: false })
        yield* directory.removeUser("bob")
        yield* directory.removeCart("cart-2")
      })
      yield* started(storage, changed)
      const afterwards = yield* started(
        storage,
        Effect.zip(
          held,
          Effect.flatMap(Carts.Carts, ({ find }) => find("cart-1"))
        )
      )
      assert.deepStrictEqual(afterwards, [
        {
          ...atFirst,
          users: [
            { id: "ann", roles: [] },
            { id: "bob", roles: [] }
          ],
          accounts: [{ id: "acme", active: false }],
          statuses: ["cart-1 Closed", "cart-2 Checkout"]
        },
        { id: "cart-1", ...cart, status: "Closed" }
      ])
    })
  )

  it.scoped("a seed whose account names an unknown user fails", () =>
    Effect.gen(function* () {
      const wrong = yield* Schema.decode(Seed.Seed)({ accounts: [{ id: "acme", users: ["nobody"] }] })
      const failed = yield* Effect.flip(Effect.provide(Seed.put(wrong), Store.layer(":memory:")))
      assert.deepStrictEqual(failed, { _tag: "UnknownEntry", entry: "user", id: "nobody" })
    })
  )
})
