import { assert, describe, it } from "@effect/vitest"
import { defineApp, Flow } from "@onelane/sdk"
import { Effect } from "effect"
import { type Invariant, type SimulateOptions, SimulationFailed, simulate } from "../src/index.js"
import type { Course } from "../src/simulate/Plan.js"
import { type Parts, shop, shopping } from "./plantedShops.js"

const oneCart = shopping(() => "cart-1")
const ownCarts = shopping((index) => `cart-${index}`)

const failing = async (options: SimulateOptions, course: Course): Promise<SimulationFailed> => {
  try {
    await simulate(options, course)
  } catch (thrown) {
    if (thrown instanceof SimulationFailed) return thrown
    throw thrown
  }
  return assert.fail("nothing was found")
}

describe("simulate: planted faults", () => {
  const found = async (parts: Parts, course: Course, what: RegExp, mostSeeds: number): Promise<SimulationFailed> => {
    const options = { app: shop(parts), seeds: mostSeeds }
    const failed = await failing(options, course)
    assert.match(failed.problems.join("\n"), what)
    assert.include(failed.message, `seeds: [${failed.seed}]`)
    // The call that was printed finds the same.
    const again = await failing({ ...options, seeds: [failed.seed], choices: failed.choices }, course)
    assert.deepStrictEqual(again.problems, failed.problems)
    assert.deepStrictEqual(again.timeLine, failed.timeLine)
    return failed
  }

  it("a charge without the work key is found", { timeout: 60_000 }, async () => {
    const charge: Parts["charge"] = ({ provider }, { cartId }) =>
      provider.payments.charge({ reference: cartId, amount: 4_200 })
    await found({ charge }, oneCart, /payments: cart-1 was charged \d times/, 60)
  })

  it("a check and an act beside the lane are found: two sessions take the last lamp", { timeout: 60_000 }, async () => {
    const reserve: Parts["reserve"] = async ({ provider }, { workKey }) => {
      if ((await provider.stock.level("lamp")) < 1)
        throw Object.assign(new Error("sold out"), { code: "SOLD_OUT", final: true })
      await provider.stock.take({ key: workKey, sku: "lamp" })
    }
    await found({ reserve }, ownCarts, /stock: \d of lamp were oversold/, 60)
  })

  it("a task that may not be repeated, and does not say so, is found", { timeout: 60_000 }, async () => {
    const order: Parts["order"] = ({ provider }, { cartId }) =>
      provider.service("orders").call("create", { reference: cartId })
    await found({ order }, oneCart, /orders: create for cart-1 was done \d times/, 60)
  })

  it("a port that answers from a stale cache is found", { timeout: 60_000 }, async () => {
    const carts: Parts["carts"] = ({ provider }) => {
      const cache = new Map<string, ReturnType<typeof provider.carts.ask>>()
      return {
        find: (cartId) => {
          const known = cache.get(cartId) ?? provider.carts.ask(cartId)
          cache.set(cartId, known)
          return known
        }
      }
    }
    await found({ carts }, oneCart, /accepted that was sent after the cart cart-1 was closed/, 200)
  })
})

describe("simulate: a shop that is right", () => {
  it("raises no alarm over 60 seeds, and enough happens in them", { timeout: 120_000 }, async () => {
    const invariants: Readonly<Record<string, Invariant>> = {
      "a cart is charged at most once": ({ provider }) => provider.payments.chargesOf("cart-1").length <= 1
    }
    const { accepted, calls, seeds, unknown } = await simulate({ app: shop(), seeds: 60, invariants }, oneCart)
    assert.strictEqual(seeds, 60)
    assert.isAbove(calls, 300)
    assert.isAbove(accepted, 60)
    assert.isAbove(unknown, 5)
  })

  it("an invariant that does not hold is told by its sentence", async () => {
    const invariants: Readonly<Record<string, Invariant>> = {
      "nobody ever pays": ({ provider }) => provider.payments.charges().length === 0
    }
    const failed = await failing({ app: shop(), seeds: 5, invariants, faults: { crashes: false } }, oneCart)
    assert.deepStrictEqual(failed.problems, ['"nobody ever pays" does not hold'])
  })
})

describe("simulate: what belongs to the run", () => {
  const using = (run: () => Promise<void> | Effect.Effect<void>) =>
    defineApp({
      flow: Flow.defineFlow({
        name: "one",
        initial: "Cart",
        transitions: { Cart: ["Work"], Work: ["Done"], Done: [] },
        tasks: { Work: { retry: { limit: 0 }, run } }
      })
    })

  const course: Course = async ({ callers: [caller] }) => {
    const { session } = await caller!.openOrThrow({ cartId: "cart-1" })
    const step = { checkoutSessionId: session.id }
    await caller!.updateOrThrow({ ...step, expCurrentState: "Cart", nextState: "Work" })
    await caller!.update(
      { ...step, expCurrentState: "Work", nextState: "Done" },
      { wait: "screen", waitMillis: 60_000 }
    )
  }
  const faultless = { lostAnswers: false, crashes: false, store: false, provider: false } as const

  it("time, timers and randomness are the run's: an hour passes at once, and a seed gives the same values", async () => {
    const seen: Array<string> = []
    const app = using(async () => {
      const before = globalThis.Date.now()
      await new Promise((resolve) => globalThis.setTimeout(resolve, 40_000))
      seen.push(
        `${globalThis.Date.now() - before} ${new globalThis.Date().toISOString()} ${globalThis.Math.random()} ${crypto.randomUUID()}`
      )
    })
    const startedAt = performance.now()
    await simulate({ app, seeds: [7], faults: faultless }, course)
    await simulate({ app, seeds: [7], faults: faultless }, course)
    assert.isBelow(performance.now() - startedAt, 5_000)
    assert.lengthOf(seen, 2)
    assert.strictEqual(seen[0], seen[1])
    assert.match(seen[0]!, /^40000 2026-01-01T00:00:\d\d/)
  })

  it("an Effect as a task sleeps in the run's time", async () => {
    let slept = 0
    const app = using(() =>
      Effect.delay(
        Effect.sync(() => void slept++),
        "30 seconds"
      )
    )
    await simulate({ app, seeds: [1, 2], faults: faultless }, course)
    assert.strictEqual(slept, 2)
  })

  it("fetch is refused with a sentence", async () => {
    const app = using(async () => void (await fetch("http://127.0.0.1:9")))
    const failed = await failing({ app, seeds: [1], faults: faultless }, course)
    assert.include(failed.problems.join("\n"), "fetch is refused in a simulation")
  })

  it("sockets are refused with a sentence", async () => {
    const app = using(async () => {
      const net = await import("node:net")
      await new Promise<void>((resolve, reject) => net.connect(9, "127.0.0.1", resolve).on("error", reject))
    })
    const failed = await failing({ app, seeds: [1], faults: faultless }, course)
    assert.match(failed.message, /a socket is refused in a simulation|not reproducible/)
  })

  const real = globalThis.setTimeout

  it("a task that waits for real time is told as what escaped", async () => {
    const app = using(() => new Promise((resolve) => void real(resolve, 30)))
    const failed = await failing({ app, seeds: [3], faults: faultless }, course)
    assert.include(failed.message, "is not reproducible, this escaped")
  })

  it("everything is put back afterwards", async () => {
    const before = [globalThis.setTimeout, globalThis.Date, globalThis.Math.random, fetch, crypto.randomUUID]
    await simulate({ app: using(async () => {}), seeds: 1 }, course).catch(() => {})
    assert.deepStrictEqual(
      [globalThis.setTimeout, globalThis.Date, globalThis.Math.random, fetch, crypto.randomUUID],
      before
    )
  })

  it("a course may be an Effect", async () => {
    let asked = 0
    const app = using(async () => void asked++)
    await simulate({ app, seeds: [1], faults: faultless }, (run) =>
      Effect.gen(function* () {
        yield* Effect.sleep("1 hour")
        yield* Effect.promise(async () => course(run))
      })
    )
    assert.strictEqual(asked, 1)
  })

  it("a wrong option is refused with its name", async () => {
    const refused = async (options: object, name: RegExp) => {
      try {
        await simulate({ app: {}, ...options } as never, course)
        assert.fail("nothing was refused")
      } catch (thrown) {
        assert.instanceOf(thrown, TypeError)
        assert.match(String(thrown), name)
      }
    }
    await refused({ seeds: 0 }, /seeds/)
    await refused({ seeds: [1.5] }, /seeds/)
    await refused({ callers: 0 }, /callers/)
    await refused({ choices: { crash: 1 } }, /choices.crash/)
    await refused({ choices: { lostAnswers: 2 } }, /choices.lostAnswers/)
    await refused({ app: null }, /app/)
  })
})
