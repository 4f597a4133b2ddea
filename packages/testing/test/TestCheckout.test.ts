import { assert, describe, it } from "@effect/vitest"
import { Caller, CheckoutSessions, defineApp, Flow, Onelane } from "@onelane/sdk"
import { Duration, Effect, TestClock } from "effect"
import { vi } from "vitest"
import { testCheckout } from "../src/TestCheckout.js"

const hour = 3_600_000

interface Work {
  readonly calls: Array<string>
  outcome: () => Promise<void>
}

const shopOf = (work: Work) =>
  defineApp({
    flow: Flow.defineFlow({
      name: "shop",
      initial: "Cart",
      transitions: { Cart: ["Pay"], Pay: ["Paid"], Paid: [] },
      tasks: {
        Pay: {
          deadlineMillis: 30_000,
          retry: { limit: 2, baseMillis: 1_000 },
          run: ({ workKey }) => {
            work.calls.push(workKey)
            return work.outcome()
          }
        }
      }
    })
  })

const never = (): Promise<void> => new Promise(() => {})

describe("testCheckout", () => {
  it("a deadline passes when the test says so, and not before", async () => {
    const work: Work = { calls: [], outcome: never }
    await using checkout = await testCheckout(shopOf(work))
    const { session } = await checkout.openOrThrow({ cartId: "cart-1" })
    const checkoutSessionId = session.id
    await checkout.updateOrThrow({ checkoutSessionId, expCurrentState: "Cart", nextState: "Pay" })
    await checkout.updateOrThrow({ checkoutSessionId, expCurrentState: "Pay", nextState: "Paid" })
    await checkout.clock.advance("29 seconds")
    assert.isTrue((await checkout.getOrThrow({ checkoutSessionId })).isProcessing)
    await checkout.clock.advance("1 second")
    assert.deepInclude(await checkout.getOrThrow({ checkoutSessionId }), { state: "Error", isProcessing: false })
    assert.lengthOf(work.calls, 1)
  })

  it("a task that fails is repeated after its pauses, and the session moves on", async () => {
    let fails = 2
    const work: Work = { calls: [], outcome: async () => (fails-- > 0 ? Promise.reject(new Error("down")) : undefined) }
    await using checkout = await testCheckout(shopOf(work))
    const { session } = await checkout.openOrThrow({ cartId: "cart-1" })
    const checkoutSessionId = session.id
    await checkout.updateOrThrow({ checkoutSessionId, expCurrentState: "Cart", nextState: "Pay" })
    await checkout.updateOrThrow({ checkoutSessionId, expCurrentState: "Pay", nextState: "Paid" })
    await checkout.clock.advance("10 seconds")
    assert.strictEqual((await checkout.getOrThrow({ checkoutSessionId })).state, "Paid")
    assert.lengthOf(work.calls, 3)
    assert.strictEqual(new Set(work.calls).size, 1, "one work key")
  })

  it("sessions expire in an hour that takes no time, and nothing wakes up where nothing is due", async () => {
    await using checkout = await testCheckout()
    const short = await checkout.openOrThrow({ cartId: "short", expiresInMillis: 1_800_000 })
    const long = await checkout.openOrThrow({ cartId: "long", expiresInMillis: 100 * hour })
    const before = process.cpuUsage()
    await checkout.clock.advance("1 hour")
    const { system, user } = process.cpuUsage(before)
    assert.isBelow((system + user) / 1_000, 250, "far below what it took: 30 seconds")
    const closed = await checkout.getOrThrow({ checkoutSessionId: short.session.id })
    assert.deepInclude(closed, { isArchived: true, closedBy: "EXPIRED" })
    assert.isAtMost(closed.updatedAt - (short.session.createdAt + 1_800_000), 1_000)
    assert.isFalse((await checkout.getOrThrow({ checkoutSessionId: long.session.id })).isArchived)
    await checkout.clock.advance("1 hour")
    const woken = checkout.clock.wakeUps()
    await checkout.clock.advance("20 hours")
    assert.strictEqual(checkout.clock.wakeUps(), woken)
  })

  it("a crash forgets what runs and resumes the claim with its work key", async () => {
    const work: Work = { calls: [], outcome: never }
    const first = await testCheckout(shopOf(work))
    const { session } = await first.openOrThrow({ cartId: "cart-1" })
    const checkoutSessionId = session.id
    await first.updateOrThrow({ checkoutSessionId, expCurrentState: "Cart", nextState: "Pay" })
    await first.updateOrThrow({ checkoutSessionId, expCurrentState: "Pay", nextState: "Paid" })
    await first.clock.settle()
    work.outcome = async () => {}
    await using second = await first.crash()
    await second.clock.settle()
    assert.strictEqual((await second.getOrThrow({ checkoutSessionId })).state, "Paid")
    assert.lengthOf(work.calls, 2)
    assert.strictEqual(work.calls[0], work.calls[1])
  })

  it("works beside the fake timers of Vitest: two clocks, each moved by its own hand", async () => {
    vi.useFakeTimers()
    try {
      await using checkout = await testCheckout()
      const { session } = await checkout.openOrThrow({ cartId: "cart-1", expiresInMillis: 60_000 })
      await checkout.clock.advance("2 minutes")
      assert.isTrue((await checkout.getOrThrow({ checkoutSessionId: session.id })).isArchived)
    } finally {
      vi.useRealTimers()
    }
  })
})

describe("an engine without testCheckout", () => {
  it("follows the fake timers of Vitest through an hour, and has no timer where nothing is due", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] })
    try {
      const checkout = await Onelane.open({ storage: ":memory:" })
      const { session } = await checkout.openOrThrow({ cartId: "cart-1", expiresInMillis: hour })
      await vi.advanceTimersByTimeAsync(hour + 1_000)
      assert.deepInclude(await checkout.getOrThrow({ checkoutSessionId: session.id }), { closedBy: "EXPIRED" })
      await vi.advanceTimersByTimeAsync(hour)
      // That finished sessions grow too old, a day from now.
      assert.isAtMost(vi.getTimerCount(), 1)
      await checkout.close()
    } finally {
      vi.useRealTimers()
    }
  })

  it.effect("follows TestClock: Onelane.layerTest is the service in memory", () =>
    Effect.gen(function* () {
      const sessions = yield* CheckoutSessions.CheckoutSessions
      const { session } = yield* sessions.open(Caller.host, { cartId: "cart-1", expiresInMillis: 30 * 60_000 })
      yield* TestClock.adjust(Duration.hours(1))
      const { closedBy } = yield* sessions.get(Caller.host, { checkoutSessionId: session.id })
      assert.strictEqual(closedBy, "EXPIRED")
    }).pipe(Effect.provide(Onelane.layerTest()))
  )
})
