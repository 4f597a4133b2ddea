import { existsSync, readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { Caller, CheckoutSessions, Onelane, Retention } from "@onelane/sdk"
import { Effect } from "effect"
import { inFolder, tagOf, toInventory } from "./fixture.js"

const holds = (file: string, text: string): boolean =>
  ["", "-wal", "-shm"].some((end) => existsSync(file + end) && readFileSync(file + end).includes(text))

describe("erase", () => {
  it("forgets a buyer in memory and in every byte of the file, while the checkout stays open", () =>
    inFolder(async (file) => {
      await using checkout = await Onelane.open({ storage: file, directory: true })
      const ann = { userId: "marked-ann", roles: ["buyer-checkout"], actingAccountId: null } as const
      await checkout.directory.putUser({ id: ann.userId, roles: ["buyer-checkout"] })
      const { session } = await checkout.openOrThrow({ cartId: "marked-cart", ownerId: ann.userId })
      const bob = await checkout.openOrThrow({ cartId: "bobs-cart", ownerId: "bob" })
      await checkout.updateOrThrow({ ...toInventory(session.id), idempotencyKey: "marked-key" })
      assert.isTrue(holds(file, "marked-"))

      const refused = await checkout.erase({ ownerId: ann.userId })
      assert.deepInclude(refused.ok ? {} : refused.error, { _tag: "InvalidInput", fields: ["force"], applied: "no" })
      assert.isTrue((await checkout.get({ checkoutSessionId: session.id })).ok)

      const erased = await checkout.erase({ ownerId: ann.userId, force: true })
      assert.deepInclude(erased.ok ? erased.value : {}, { sessions: 1, carts: 1, entries: 1 })
      assert.strictEqual(tagOf(await checkout.get({ checkoutSessionId: session.id })), "SessionInaccessible")
      assert.strictEqual(tagOf(await checkout.history({ checkoutSessionId: session.id })), "SessionInaccessible")
      assert.strictEqual(tagOf(await checkout.update(toInventory(session.id))), "SessionInaccessible")
      for (const text of ["marked-", session.id]) assert.isFalse(holds(file, text), text)
      assert.isTrue((await checkout.get({ checkoutSessionId: bob.session.id })).ok)
      assert.strictEqual((await checkout.openOrThrow({ cartId: "marked-cart", ownerId: "new" })).session.version, 1)
    }))

  it("is the host's: a buyer's door has neither erase nor prune", async () => {
    await using checkout = await Onelane.open({ storage: ":memory:" })
    const buyer = checkout.as({ userId: "ann", roles: ["buyer-checkout"], actingAccountId: null })
    assert.notProperty(buyer, "erase")
    assert.notProperty(buyer, "prune")
  })

  it("a closed checkout erases nothing", async () => {
    const checkout = await Onelane.open({ storage: ":memory:" })
    await checkout.close()
    assert.strictEqual(tagOf(await checkout.erase({ cartId: "cart" })), "Overloaded")
    assert.strictEqual(tagOf(await checkout.prune({ archivedBefore: 0 })), "Overloaded")
  })
})

describe("prune", () => {
  for (const kind of ["memory", "file"] as const)
    it(`removes finished sessions of a ${kind} store, over Promises and as an Effect`, () =>
      inFolder(async (file) => {
        const storage = kind === "memory" ? ":memory:" : file
        {
          await using checkout = await Onelane.open({ storage })
          const { session } = await checkout.openOrThrow({ cartId: "cart" })
          await checkout.cancelOrThrow({ checkoutSessionId: session.id })
          assert.deepStrictEqual(await checkout.prune({ archivedBefore: 0 }), { ok: true, value: { pruned: 0 } })
          const pruned = await checkout.prune({ archivedBefore: Number.MAX_SAFE_INTEGER })
          assert.deepStrictEqual(pruned, { ok: true, value: { pruned: 1 } })
          assert.strictEqual(tagOf(await checkout.get({ checkoutSessionId: session.id })), "SessionInaccessible")
          assert.strictEqual(tagOf(await checkout.prune({} as never)), "InvalidInput")
        }
        const program = Effect.gen(function* () {
          const sessions = yield* CheckoutSessions.CheckoutSessions
          const { erase, prune } = yield* Retention.Retention
          const { session } = yield* sessions.open(Caller.host, { cartId: "other" })
          yield* sessions.cancel(Caller.host, { checkoutSessionId: session.id })
          assert.deepStrictEqual(yield* prune({ archivedBefore: Number.MAX_SAFE_INTEGER }), { pruned: 1 })
          assert.deepInclude(yield* erase({ cartId: "other" }), { sessions: 0 })
        })
        await Effect.runPromise(Effect.provide(program, Onelane.layer({ storage })))
      }))
})

describe("finished sessions in memory", () => {
  it("are released beyond the number that is kept", async () => {
    await using checkout = await Onelane.open({ storage: ":memory:", retention: { finishedCapacity: 20 } })
    const ids: Array<string> = []
    for (let index = 0; index < 100; index++) {
      const { session } = await checkout.openOrThrow({ cartId: `cart-${index}` })
      await checkout.cancelOrThrow({ checkoutSessionId: session.id })
      ids.push(session.id)
    }
    for (let turn = 0; turn < 50; turn++) await new Promise<void>((resume) => setImmediate(resume))
    const found = await Promise.all(ids.map((checkoutSessionId) => checkout.get({ checkoutSessionId })))
    assert.deepStrictEqual(
      found.map(({ ok }) => ok),
      ids.map((_, index) => index >= 80)
    )
  })
  it("bounds that are none are refused by name", async () => {
    for (const retention of [{ finishedCapacity: 0 }, { finishedMillis: 1.5 }, { sessions: 5 } as never]) {
      const refused = await Onelane.open({ storage: ":memory:", retention }).then(String, String)
      assert.match(refused, /^TypeError: Onelane\.open: (retention\.|there is no retention\.)/)
    }
  })
})
