/** The simulator against shops that are right, over many more seeds than a developer waits for. */
import { assert, describe, it } from "@effect/vitest"
import { simulate } from "../src/index.js"
import { shop, shopping } from "./plantedShops.js"

describe("simulate, at length", () => {
  it("raises no alarm over 200 seeds of three tabs at one cart", { timeout: 900_000 }, async () => {
    const { calls, seeds, unknown } = await simulate(
      { app: shop(), seeds: 200 },
      shopping(() => "cart-1")
    )
    assert.strictEqual(seeds, 200)
    assert.isAbove(calls, 1_000)
    assert.isAbove(unknown, 100)
  })

  it("raises no alarm over 100 seeds of three carts and two lamps", { timeout: 900_000 }, async () => {
    const course = shopping((index) => `cart-${index}`)
    assert.strictEqual((await simulate({ app: shop(), seeds: 100 }, course)).seeds, 100)
  })
})
