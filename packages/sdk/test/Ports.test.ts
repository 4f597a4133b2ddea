import { existsSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { type Access, Caller, DirectoryError, type LogEntry, Onelane } from "@onelane/sdk"
import { Effect } from "effect"
import { vi } from "vitest"
import { inFolder, tagOf, toInventory } from "./fixture.js"

const statuses = "Active, Checkout, Processing, PendingClosed, Closed, PendingDelete"
const anId = "text of 1 to 255 characters, none of them a control character"

describe("ports", () => {
  const rights: Access.Rights = { mayInvoke: true, maySee: true, accountAccessible: true, storeMember: true }

  it("a host's own rules and carts decide, as values, Promises or Effects", async () => {
    await using checkout = await Onelane.open({
      storage: ":memory:",
      access: {
        mayInvoke: (caller) => caller.userId !== "eve",
        rights: async (caller, _, { storeId }) => ({ ...rights, storeMember: storeId === caller.userId })
      },
      carts: {
        find: (id) =>
          Effect.succeed({
            id,
            storeId: "ann",
            accountId: "a",
            ownerId: "ann",
            status: id === "sold" ? "Closed" : "Active"
          })
      }
    })
    const as = (userId: string) => checkout.as(Caller.make(userId, []))
    assert.strictEqual(tagOf(await as("ann").open({ cartId: "cart-1" })), "ok")
    assert.strictEqual(tagOf(await as("ann").open({ cartId: "sold" })), "CartNotUpdatable")
    assert.strictEqual(tagOf(await as("eve").open({ cartId: "cart-1" })), "ActionNotPermitted")
    assert.strictEqual(tagOf(await as("bob").open({ cartId: "cart-1" })), "NotStoreMember")
  })

  it("a port that throws or rejects gives no answer, and nothing is written", async () => {
    let broken: "throws" | "rejects" | false = "throws"
    await using checkout = await Onelane.open({
      storage: ":memory:",
      retry: { limit: 1, baseMillis: 1, maxMillis: 1 },
      carts: {
        find: (id) => {
          if (broken === "throws") throw new Error("down")
          if (broken === "rejects") return Promise.reject(new Error("down"))
          return { id, storeId: "store", accountId: "account", ownerId: "host", status: "Active" as const }
        }
      }
    })
    for (broken of ["throws", "rejects"] as const) {
      const answer = await checkout.open({ cartId: "cart-1" })
      assert.deepInclude(answer.ok ? {} : answer.error, { _tag: "StorageUnavailable", applied: "no" })
    }
    broken = false
    assert.isTrue((await checkout.openOrThrow({ cartId: "cart-1" })).created)
  })

  it("takes no cart for no cart, and any other shape for no answer, which the log explains", async () => {
    const lines: Array<string> = []
    const answers: { cart: unknown; rights: unknown } = { cart: undefined, rights }
    const ports = {
      carts: { find: () => answers.cart as undefined },
      access: { mayInvoke: () => true, rights: () => answers.rights as Access.Rights }
    }
    const logger = ({ cause }: LogEntry) => void lines.push(String(cause))
    await using checkout = await Onelane.open({ storage: ":memory:", retry: { limit: 0 }, logger, ...ports })
    const open = () => checkout.open({ cartId: "cart-1" }).then(tagOf)
    assert.strictEqual(await open(), "SessionInaccessible")
    const cart = { id: "cart-1", storeId: "store", accountId: "acme", ownerId: "ann", status: "Active" }
    answers.cart = { ...cart, status: "Sold" }
    assert.strictEqual(await open(), "StorageUnavailable")
    answers.cart = cart
    answers.rights = { ...rights, storeMember: "yes" }
    assert.strictEqual(await open(), "StorageUnavailable")
    await vi.waitFor(() => assert.lengthOf(lines, 2))
    assert.match(lines.join("\n"), /carts.find must answer null or an object of id, storeId/)
    assert.match(lines.join("\n"), /access.rights must answer an object of mayInvoke/)
    answers.rights = rights
    assert.strictEqual(await open(), "ok")
  })

  for (const where of ["in memory", "in the file"]) {
    it(`the directory kept ${where} says who may do what`, () =>
      inFolder(async (file) => {
        const storage = where === "in memory" ? ":memory:" : file
        await using checkout = await Onelane.open({ storage, directory: true })
        const { directory } = checkout
        await directory.putStore("store")
        await directory.putAccount({ id: "acme", active: true })
        await directory.putStoreMember("store", "acme")
        await directory.putUser({ id: "ann", roles: ["buyer-checkout"] })
        await directory.putAccountMember("acme", "ann")
        const cart = { storeId: "store", accountId: "acme", ownerId: "ann", status: "Active" } as const
        await directory.putCart({ id: "cart-1", ...cart })
        const ann = checkout.as(Caller.make("ann", []))
        const { session } = await ann.openOrThrow({ cartId: "cart-1" })
        assert.strictEqual(session.ownerId, "ann")
        await directory.removeAccountMember("acme", "ann")
        assert.strictEqual(tagOf(await ann.update(toInventory(session.id))), "AccountInaccessible")
        const unknown = await directory.setCartStatus("none", "Closed").catch((error) => error)
        assert.instanceOf(unknown, DirectoryError)
        assert.strictEqual(String(unknown), "DirectoryError: there is no such cart: none")
        assert.deepStrictEqual(unknown.error, { _tag: "UnknownEntry", entry: "cart", id: "none" })
        const odd = [
          directory.putUser({ id: "bob", roles: ["king" as "buyer-checkout"] }),
          directory.putAccount({ id: "acme", active: "yes" as never }),
          directory.putCart({ id: "cart-2", ...cart, status: "Sold" as "Closed" }),
          directory.putStore(5 as never),
          directory.putAccountMember("acme", "a\0b"),
          directory.setCartStatus("cart-1", "Sold" as "Closed")
        ]
        assert.deepStrictEqual(
          (await Promise.allSettled(odd)).map((one) => (one.status === "rejected" ? String(one.reason) : "done")),
          [
            "TypeError: directory.putUser: roles must be a list of modify-all-data, commerce-integrator, buyer-checkout",
            "TypeError: directory.putAccount: active must be true or false",
            `TypeError: directory.putCart: status must be one of ${statuses}`,
            `TypeError: directory.putStore: storeId must be ${anId}`,
            `TypeError: directory.putAccountMember: userId must be ${anId}`,
            `TypeError: directory.setCartStatus: status must be one of ${statuses}`
          ]
        )
        assert.strictEqual(existsSync(file), where === "in the file")
      }))
  }
})
