/** The code of docs/start/test-your-checkout.md, as it stands there. */
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import { defineApp, Flow } from "@onelane/sdk"
import { type Course, type SimulationFailed, simulate, testCheckout, type World, walk } from "../src/index.js"

const shop = ({ provider }: World) =>
  defineApp({
    flow: Flow.defineFlow({
      name: "shop",
      initial: "Cart",
      transitions: { Cart: ["Pay"], Pay: ["Done"], Done: [] },
      proceed: { Pay: "Done" },
      tasks: {
        Pay: {
          run: async ({ session }) => {
            await provider.payments.charge({ reference: session.cartId, amount: 4_200 })
          }
        }
      }
    })
  })

describe("the unit test of the page", () => {
  it("a cart is charged once", async () => {
    await using checkout = await testCheckout(shop)
    const { session } = await checkout.openOrThrow({ cartId: "cart-1" })
    await checkout.updateOrThrow({ checkoutSessionId: session.id, expCurrentState: "Cart", nextState: "Pay" })
    await checkout.clock.advance("1 minute")
    assert.strictEqual(checkout.provider.payments.chargesOf("cart-1").length, 1)
  })

  it("a payment that answers never is over after its deadline", async () => {
    await using checkout = await testCheckout(shop)
    checkout.provider.next("payments", "never")
    const { session } = await checkout.openOrThrow({ cartId: "cart-1" })
    await checkout.updateOrThrow({ checkoutSessionId: session.id, expCurrentState: "Cart", nextState: "Pay" })
    await checkout.clock.advance("1 minute")
    assert.strictEqual((await checkout.getOrThrow({ checkoutSessionId: session.id })).state, "Error")
  })
})

const course: Course = async ({ callers, clock }) => {
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

describe("the simulator of the page", () => {
  it("finds the double charge that the unit test misses, in a second", async () => {
    const startedAt = performance.now()
    const failed = await simulate({ app: shop, seeds: 200 }, course).then(
      () => assert.fail("nothing was found"),
      (thrown: SimulationFailed) => thrown
    )
    assert.match(failed.problems.join("\n"), /payments: cart-1 was charged \d times/)
    assert.isBelow(performance.now() - startedAt, 20_000)
  })

  it("finds nothing once the charge has the work key", { timeout: 60_000 }, async () => {
    const right = ({ provider }: World) =>
      defineApp({
        flow: Flow.withTasks(shop({ provider } as World).flow!, {
          Pay: {
            run: async ({ session, workKey }) => {
              await provider.payments.charge({ key: workKey, reference: session.cartId, amount: 4_200 })
            }
          }
        })
      })
    const { seeds } = await simulate({ app: right, seeds: 40 }, course)
    assert.strictEqual(seeds, 40)
  })
})

describe("the walk of the page", () => {
  for (const { name, run } of walk(shop)) it(name, run)
})

describe("docs/start/test-your-checkout.md", () => {
  const page = readFileSync(
    fileURLToPath(new URL("../../../docs/start/test-your-checkout.md", import.meta.url)),
    "utf8"
  )
  const here = readFileSync(fileURLToPath(import.meta.url), "utf8")
  const words = (code: string): string => code.replace(/\s+/g, " ").trim()
  it("shows no code that this file does not run", () => {
    const blocks = [...page.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code]) => words(code!))
    assert.isAbove(blocks.length, 4)
    for (const block of blocks) assert.isTrue(words(here).includes(block), block)
  })
})
