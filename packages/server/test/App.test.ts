/** What `defineApp` takes. */
import { assert, describe, it } from "@effect/vitest"
import { defineApp, Flow, Onelane } from "@onelane/sdk"

describe("defineApp", () => {
  const flow = Flow.defineFlow({ name: "short", initial: "Basket", transitions: { Basket: ["Paid"], Paid: [] } })

  it("gives an object that opens anywhere, typed by its flow, and which later changes do not reach", async () => {
    const written = { flow, directory: true, expiresInMillis: 60_000 } as const
    const made = defineApp(written)
    assert.isTrue(Object.isFrozen(made))
    await using checkout = await Onelane.open({ ...made, storage: ":memory:" })
    await checkout.directory.putStore("store")
    await checkout.directory.putAccount({ id: "a", active: true })
    await checkout.directory.putStoreMember("store", "a")
    const { session } = await checkout.openOrThrow({
      cartId: "cart-1",
      ownerId: "ann",
      accountId: "a",
      storeId: "store"
    })
    const state: "Basket" | "Paid" | "Error" = session.state
    assert.strictEqual(state, "Basket")
    assert.isAbove(session.expiresAt!, session.createdAt)
  })

  it("refuses what is no app, by the name of the field", () => {
    const define = (given: object) => () => defineApp(given)
    assert.throws(define({ storage: ":memory:" }), "defineApp: there is no storage; there are flow, access")
    assert.throws(define({ access: {} }), "defineApp: access must be an object with mayInvoke() and rights()")
    assert.throws(define({ directory: "yes" }), "defineApp: directory must be true or false")
  })
})
