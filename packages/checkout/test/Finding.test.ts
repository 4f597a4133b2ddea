/** The session of a cart, found without opening one: where ports keep the cart or nobody does, and after a prune. */
import { assert, describe, it } from "@effect/vitest"
import { Access, type Carts } from "@onelane/checkout"
import { JournalMemory } from "@onelane/engine"
import { Effect, Exit } from "effect"
import { admin, boot, buyer, colleague, slowMemory } from "./fixture.js"

const cartId = "cart-1"
const none = { session: null, closed: null }

for (const [kind, journal] of [
  ["a journal that answers at once", JournalMemory.make],
  ["a journal that answers later", slowMemory]
] as const) {
  describe(`find, over ${kind}`, () => {
    it.scoped("a cart that nobody opened has no session for anybody, and stays without an owner", () =>
      Effect.gen(function* () {
        const { sessions } = yield* boot(journal())
        for (const caller of [buyer, colleague, admin])
          assert.deepStrictEqual(yield* sessions.find(caller, { cartId }), none)
        const { created, session } = yield* sessions.open(colleague, { cartId })
        assert.isTrue(created)
        assert.strictEqual(session.ownerId, "colleague")
        assert.strictEqual((yield* Effect.flip(sessions.find(buyer, { cartId })))._tag, "SessionInaccessible")
        assert.deepStrictEqual((yield* sessions.find(colleague, { cartId })).session, session)
      })
    )
    it.scoped("a find writes nothing", () =>
      Effect.gen(function* () {
        const store = journal()
        const { sessions } = yield* boot(store)
        yield* sessions.find(buyer, { cartId })
        const { found } = yield* store.select("cart", "", () => true)
        assert.deepStrictEqual(found, [])
      })
    )
    it.scoped("a pruned cart tells the order that it remembers, and not when that was", () =>
      Effect.gen(function* () {
        const { engine, sessions } = yield* boot(journal())
        const { id } = (yield* sessions.open(buyer, { cartId, initialState: "Order Confirmation" })).session
        const move = { checkoutSessionId: id, expCurrentState: "Order Confirmation", nextState: "Complete" }
        yield* sessions.update(buyer, move)
        const archivedBefore = Number.MAX_SAFE_INTEGER
        assert.deepStrictEqual(yield* engine.retention.prune({ archivedBefore, keepCompleted: true }), { pruned: 1 })
        const closed = { checkoutSessionId: id, closedBy: "COMPLETED", orderId: null, closedAt: null } as const
        assert.deepStrictEqual(yield* sessions.find(buyer, { cartId }), { session: null, closed })
      })
    )
    it.scoped("the cart's present owner decides, and the session's last one where the cart is gone", () =>
      Effect.gen(function* () {
        let cart: Carts.Cart | null = {
          id: cartId,
          storeId: "store",
          accountId: "account",
          ownerId: "buyer",
          status: "Active"
        }
        const carts: Carts.CartsShape = { find: () => Exit.succeed(cart) }
        const access: Access.AccessShape = {
          mayInvoke: () => Exit.succeed(true),
          rights: ({ userId }, _, { ownerId }) => Exit.succeed({ ...Access.everyRight, maySee: userId === ownerId })
        }
        const { sessions } = yield* boot(journal(), { access, carts })
        const refused = (caller: typeof buyer) =>
          Effect.map(Effect.flip(sessions.find(caller, { cartId })), ({ _tag }) => _tag)
        const { session } = yield* sessions.open(buyer, { cartId })
        cart = { ...cart, ownerId: "colleague" }
        assert.strictEqual(yield* refused(buyer), "SessionInaccessible")
        assert.strictEqual((yield* sessions.find(colleague, { cartId })).session?.ownerId, "colleague")
        cart = null
        assert.strictEqual(yield* refused(colleague), "SessionInaccessible")
        assert.deepStrictEqual(yield* sessions.find(buyer, { cartId }), { session, closed: null })
        assert.strictEqual(
          (yield* Effect.flip(sessions.find(buyer, { cartId: "another" })))._tag,
          "SessionInaccessible"
        )
      })
    )
  })
}
