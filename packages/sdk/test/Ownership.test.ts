/** Safe by default: a program that opens an engine and says `as(buyer)` isolates its buyers. */
import { assert, describe, it } from "@effect/vitest"
import { Caller, Onelane } from "@onelane/sdk"
import { inFolder, tagOf, toInventory } from "./fixture.js"

const ann = Caller.make("ann", ["buyer-checkout"])
const eve = Caller.make("eve", ["buyer-checkout"])

describe("as(buyer) without ports", () => {
  for (const where of ["memory", "a file"])
    it(`isolates buyers from one another in ${where}, through every call and after a restart`, () =>
      inFolder(async (file) => {
        const storage = where === "memory" ? ":memory:" : file
        let checkout = await Onelane.open({ storage })
        const opened = await checkout.as(ann).openOrThrow({ cartId: "cart-1" })
        assert.strictEqual(opened.session.ownerId, "ann")
        if (where === "a file") {
          await checkout.close()
          checkout = await Onelane.open({ storage })
        }
        const checkoutSessionId = opened.session.id
        const stranger = checkout.as(eve)
        const answers = [
          await stranger.open({ cartId: "cart-1" }),
          await stranger.get({ checkoutSessionId }),
          await stranger.update(toInventory(checkoutSessionId)),
          await stranger.history({ checkoutSessionId }),
          await stranger.cancel({ checkoutSessionId }),
          await stranger.cancel({ cartId: "cart-1" })
        ]
        assert.deepStrictEqual(new Set(answers.map(tagOf)), new Set(["SessionInaccessible"]))
        const changes = stranger.changes({ checkoutSessionId })[Symbol.asyncIterator]()
        const watched = await changes.next().catch((error) => error.error._tag)
        assert.strictEqual(watched, "SessionInaccessible")
        assert.strictEqual(tagOf(await checkout.as(ann).update(toInventory(checkoutSessionId))), "ok")
        assert.strictEqual(tagOf(await checkout.get({ checkoutSessionId })), "ok")
        await checkout.close()
      }))

  it("a guest who logs in keeps the session", async () => {
    await using checkout = await Onelane.open({ storage: ":memory:" })
    const { session } = await checkout.openOrThrow({ cartId: "cart-1", ownerId: "guest-7" })
    const guest = checkout.as(Caller.make("guest-7", ["buyer-checkout"]))
    await guest.updateOrThrow(toInventory(session.id))
    await checkout.openOrThrow({ cartId: "cart-1", ownerId: "ann", accountId: "acme" })
    assert.strictEqual(tagOf(await guest.get({ checkoutSessionId: session.id })), "SessionInaccessible")
    const mine = await checkout.as(ann).getOrThrow({ checkoutSessionId: session.id })
    assert.deepInclude(mine, { state: "Inventory", ownerId: "ann", accountId: "acme" })
    assert.strictEqual(tagOf(await guest.open({ cartId: "cart-2", ownerId: "ann" })), "ActionNotPermitted")
  })

  it("a host's access rule that allows everything does not let a buyer say whose a cart is", async () => {
    const rights = { mayInvoke: true, maySee: true, accountAccessible: true, storeMember: true }
    const access = { mayInvoke: () => true, rights: () => rights }
    await using checkout = await Onelane.open({ storage: ":memory:", access })
    assert.strictEqual(tagOf(await checkout.as(eve).open({ cartId: "c", ownerId: "ann" })), "ActionNotPermitted")
    assert.strictEqual(tagOf(await checkout.open({ cartId: "c", ownerId: "ann" })), "ok")
  })
})
