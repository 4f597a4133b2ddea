import { assert, describe, it } from "@effect/vitest"
import type * as Access from "@onelane/checkout/Access"
import * as Caller from "@onelane/checkout/Caller"
import { Carts } from "@onelane/checkout/Carts"
import { Context, Deferred, Effect, Exit, Fiber, Layer, Scope, TestClock } from "effect"
import { Directory, type DirectoryShape } from "../src/Directory.js"
import * as DirectoryCache from "../src/DirectoryCache.js"
import * as DirectoryMemory from "../src/DirectoryMemory.js"

const ann = Caller.make("ann", [])
const subject: Access.Subject = { cartId: "cart", storeId: "store", accountId: "acme", ownerId: "ann" }
const held: Access.AccessFacts = { roles: [], belongsToAccount: true, accountValid: true, storeMember: true }
const down: Access.PortUnavailable = { _tag: "PortUnavailable", port: "Access" }

/** A directory that counts what it is asked; `answer` is what it says of any pair. */
const counting = (answer: () => Effect.Effect<Access.AccessFacts, Access.PortUnavailable> = () => Exit.succeed(held)) =>
  Effect.gen(function* () {
    const context = yield* Layer.buildWithScope(Layer.fresh(DirectoryMemory.layer), yield* Scope.make())
    const directory = Context.get(context, Directory)
    const carts = Context.get(context, Carts)
    const asked: Array<string> = []
    const noted = <A>(what: string, effect: A): A => {
      asked.push(what)
      return effect
    }
    const behind: DirectoryCache.Behind = {
      lookup: {
        roles: (userId) => noted(`roles ${userId}`, Exit.succeed([])),
        facts: ({ userId }, { accountId, storeId }) => noted(`${userId}|${accountId}|${storeId}`, answer())
      },
      carts: { find: (cartId) => noted(`cart ${cartId}`, carts.find(cartId)) },
      directory
    }
    return { asked, behind }
  })

const writes: ReadonlyArray<readonly [string, (directory: DirectoryShape) => Effect.Effect<void, unknown>]> = [
  ["putUser", (to) => to.putUser({ id: "ann", roles: [] })],
  ["removeUser", (to) => to.removeUser("ann")],
  ["putAccount", (to) => to.putAccount({ id: "acme", active: false })],
  ["removeAccount", (to) => to.removeAccount("acme")],
  ["putAccountMember", (to) => to.putAccountMember("acme", "ann")],
  ["removeAccountMember", (to) => to.removeAccountMember("acme", "ann")],
  ["putStore", (to) => to.putStore("store")],
  ["removeStore", (to) => to.removeStore("store")],
  ["putStoreMember", (to) => to.putStoreMember("store", "acme")],
  ["removeStoreMember", (to) => to.removeStoreMember("store", "acme")]
]

describe("DirectoryCache", () => {
  it.effect("asks once, and answers at once from then on", () =>
    Effect.gen(function* () {
      const { asked, behind } = yield* counting(() => Effect.suspend(() => Exit.succeed(held)))
      const { access, carts } = yield* DirectoryCache.make(behind)
      const first = yield* access.rights(ann, "update", subject)
      const second = access.rights(ann, "update", subject)
      assert.isTrue(Exit.isExit(second))
      assert.deepStrictEqual(yield* second, first)
      yield* access.mayInvoke(ann, "read")
      yield* access.mayInvoke(ann, "update")
      assert.isNull(yield* carts.find("none"))
      assert.isTrue(Exit.isExit(carts.find("none")))
      assert.deepStrictEqual(asked, ["ann|acme|store", "roles ann", "cart none"])
    })
  )

  it.effect("keeps callers, accounts and stores apart, however their ids are put together", () =>
    Effect.gen(function* () {
      const { asked, behind } = yield* counting()
      const { access } = yield* DirectoryCache.make(behind)
      const pairs = [
        ["a", "bc", "d"],
        ["ab", "c", "d"],
        ["a", "b", "cd"],
        ["1.1.", "a", "b"],
        ["1", ".1.a", "b"],
        ["a\0b", "c", "d"],
        ["a", "b\0c", "d"]
      ] as const
      for (const [userId, accountId, storeId] of pairs) {
        yield* access.rights(Caller.make(userId, []), "update", { ...subject, accountId, storeId })
      }
      assert.deepStrictEqual(
        asked,
        pairs.map((pair) => pair.join("|"))
      )
    })
  )

  for (const [name, write] of writes) {
    it.effect(`forgets the facts with ${name}, refused or not`, () =>
      Effect.gen(function* () {
        const { asked, behind } = yield* counting()
        const { access, directory } = yield* DirectoryCache.make(behind)
        yield* access.rights(ann, "update", subject)
        yield* access.mayInvoke(ann, "update")
        yield* Effect.exit(write(directory))
        yield* access.rights(ann, "update", subject)
        yield* access.mayInvoke(ann, "update")
        assert.deepStrictEqual(asked, ["ann|acme|store", "roles ann", "ann|acme|store", "roles ann"])
      })
    )
  }

  it.effect("a cart's new status is seen with the next question; other carts stay remembered", () =>
    Effect.gen(function* () {
      const { asked, behind } = yield* counting()
      const { carts, directory } = yield* DirectoryCache.make(behind)
      const cart = { id: "one", storeId: "store", accountId: "acme", ownerId: "ann", status: "Active" } as const
      yield* directory.putCart(cart)
      yield* directory.putCart({ ...cart, id: "two" })
      assert.strictEqual((yield* carts.find("one"))?.status, "Active")
      yield* carts.find("two")
      yield* directory.setCartStatus("one", "Closed")
      assert.strictEqual((yield* carts.find("one"))?.status, "Closed")
      yield* carts.find("two")
      yield* directory.removeCart("one")
      assert.isNull(yield* carts.find("one"))
      assert.deepStrictEqual(asked, ["cart one", "cart two", "cart one", "cart one"])
    })
  )

  it.effect("an answer that was on its way while something was written is not kept", () =>
    Effect.gen(function* () {
      const gate = yield* Deferred.make<void>()
      const { asked, behind } = yield* counting(() => Effect.as(Deferred.await(gate), held))
      const { access, directory } = yield* DirectoryCache.make(behind)
      const asking = yield* Effect.fork(access.rights(ann, "update", subject))
      yield* Effect.yieldNow()
      yield* directory.removeUser("ann")
      yield* Deferred.succeed(gate, undefined)
      yield* Fiber.join(asking)
      yield* access.rights(ann, "update", subject)
      assert.strictEqual(asked.length, 2)
    })
  )

  it.effect("a failure is not remembered", () =>
    Effect.gen(function* () {
      let works = false
      const { asked, behind } = yield* counting(() => (works ? Exit.succeed(held) : Exit.fail(down)))
      const { access } = yield* DirectoryCache.make(behind)
      assert.deepStrictEqual(yield* Effect.flip(access.rights(ann, "update", subject)), down)
      works = true
      yield* access.rights(ann, "update", subject)
      assert.strictEqual(asked.length, 2)
    })
  )

  it.effect("what others wrote is seen once the time is over, and not before", () =>
    Effect.gen(function* () {
      const { asked, behind } = yield* counting()
      const { access } = yield* DirectoryCache.make(behind, { ttlMillis: 1_000 })
      yield* access.rights(ann, "update", subject)
      yield* TestClock.adjust(999)
      yield* access.rights(ann, "update", subject)
      assert.strictEqual(asked.length, 1)
      yield* TestClock.adjust(1)
      yield* access.rights(ann, "update", subject)
      assert.strictEqual(asked.length, 2)
    })
  )

  it.effect("holds no more than its capacity, and lets go first of what nobody asks for", () =>
    Effect.gen(function* () {
      const { asked, behind } = yield* counting()
      const { carts } = yield* DirectoryCache.make(behind, { capacity: 10 })
      for (let number = 0; number < 100; number++) {
        yield* carts.find("hot")
        yield* carts.find(`cart-${number}`)
      }
      assert.strictEqual(asked.filter((what) => what === "cart hot").length, 1)
      asked.length = 0
      for (let number = 0; number < 100; number++) yield* carts.find(`cart-${number}`)
      assert.isAtLeast(asked.length, 90)
    })
  )
})
