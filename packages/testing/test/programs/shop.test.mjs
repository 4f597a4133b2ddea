// One test for Vitest, Jest and node:test alike: each is asked for its `test` in its own way.
import { strict as assert } from "node:assert"
import { defineApp, Flow } from "@onelane/sdk"
import { SimulationFailed, simulate, testCheckout, walk } from "@onelane/testing"

const test = globalThis.test ?? (await import("node:test")).test

const shopOf =
  (charge) =>
  ({ provider }) =>
    defineApp({
      flow: Flow.defineFlow({
        name: "shop",
        initial: "Cart",
        transitions: { Cart: ["Pay"], Pay: ["Done"], Done: [] },
        proceed: { Pay: "Done" },
        tasks: { Pay: { run: async (task) => void (await charge(provider.payments, task)) } }
      })
    })

const right = shopOf((payments, { session, workKey }) =>
  payments.charge({ key: workKey, reference: session.cartId, amount: 4_200 })
)
const wrong = shopOf((payments, { session }) => payments.charge({ reference: session.cartId, amount: 4_200 }))

const course = async ({ callers, clock }) => {
  await Promise.all(
    callers.map(async (caller) => {
      const opened = await caller.open({ cartId: "cart-1" })
      if (!opened.ok) return
      const checkoutSessionId = opened.value.session.id
      await caller.update({ checkoutSessionId, expCurrentState: "Cart", nextState: "Pay" })
      await clock.sleep(90_000)
      await caller.update({ checkoutSessionId, expCurrentState: "Error", nextState: "Pay" })
    })
  )
}

// Slow machines have time.
const millis = 60_000

test("an hour passes at once", async () => {
  const checkout = await testCheckout(right)
  const { session } = await checkout.openOrThrow({ cartId: "cart-1", expiresInMillis: 1_800_000 })
  await checkout.clock.advance("1 hour")
  assert.equal((await checkout.getOrThrow({ checkoutSessionId: session.id })).closedBy, "EXPIRED")
  await checkout.close()
})

test(
  "the simulator finds the charge without a work key",
  async () => {
    await assert.rejects(simulate({ app: wrong, seeds: 200 }, course), (thrown) => {
      assert.ok(thrown instanceof SimulationFailed)
      assert.match(thrown.message, /cart-1 was charged/, thrown.message)
      return true
    })
  },
  millis
)

test(
  "the simulator finds nothing in the shop that is right",
  async () => {
    assert.equal((await simulate({ app: right, seeds: 20 }, course)).seeds, 20)
  },
  millis
)

for (const { name, run } of walk(right)) test(name, run, millis)
