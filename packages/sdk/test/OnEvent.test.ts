import { setImmediate, setTimeout } from "node:timers/promises"
import { assert, describe, it } from "@effect/vitest"
import { Caller, CheckoutSessions } from "@onelane/checkout"
import { type Announcing, Flow, type LogEntry, Onelane } from "@onelane/sdk"
import { Effect } from "effect"
import { inFolder, toInventory } from "./fixture.js"

type Change = Announcing.AcceptedChange

const until = async (isThere: () => boolean): Promise<void> => {
  for (let turns = 0; turns < 2_000 && !isThere(); turns++) await setTimeout(5)
  assert.isTrue(isThere())
}

describe("onEvent", () => {
  for (const [where, within] of [
    ["in memory", (test: (storage: string) => Promise<void>) => test(":memory:")],
    ["on a file", inFolder]
  ] as const)
    it(`is told every change as the history has it, in order, with the names of session and cart (${where})`, () =>
      within(async (storage) => {
        const told: Array<Change> = []
        const flow = Flow.withTasks(Flow.b2b, { Inventory: { run: () => Promise.reject(new Error("none left")) } })
        await using checkout = await Onelane.open({ storage, flow, onEvent: (change) => told.push(change) })
        const { session } = await checkout.openOrThrow({ cartId: "cart-1" })
        const { id: checkoutSessionId } = session
        await checkout.updateOrThrow(toInventory(checkoutSessionId))
        const move = { checkoutSessionId, expCurrentState: "Inventory", nextState: "Confirm Price" } as const
        await checkout.updateOrThrow(move, { wait: "screen" })
        await checkout.update(toInventory(checkoutSessionId)) // refused: nothing to tell
        await checkout.cancelOrThrow({ checkoutSessionId })
        await until(() => told.length === 5)
        const history = await checkout.historyOrThrow({ checkoutSessionId })
        assert.deepStrictEqual<unknown>(
          told,
          history.map((entry) => ({ checkoutSessionId, cartId: "cart-1", ...entry }))
        )
        assert.deepStrictEqual(
          told.map(({ type }) => type),
          ["Opened", "Updated", "Claimed", "TaskFailed", "Cancelled"]
        )
      }))

  it("is told after the commit, on a later stack than the answer of the call", async () => {
    const told: Array<Change> = []
    await using checkout = await Onelane.open({ storage: ":memory:", onEvent: (change) => told.push(change) })
    const opening = checkout.open({ cartId: "cart-1" })
    assert.lengthOf(told, 0)
    await opening
    assert.lengthOf(told, 0)
    await setImmediate()
    assert.lengthOf(told, 1)
  })

  it("gets a copy: what it does to a change reaches nothing", async () => {
    const flow = Flow.defineFlow({
      name: "shop",
      initial: "Basket",
      transitions: { Basket: ["Paid"], Paid: [] },
      data: { "~standard": { version: 1, vendor: "test", validate: (value: unknown) => ({ value }) } } as never
    })
    let spoilt = 0
    const onEvent = (change: any) => {
      spoilt++
      change.data.items.push("stolen")
      change.type = "Nothing"
    }
    await using checkout = await Onelane.open({ storage: ":memory:", flow, onEvent })
    const { session } = await checkout.openOrThrow({ cartId: "cart-1", data: { items: ["book"] } as never })
    await until(() => spoilt === 1)
    const [entry] = await checkout.historyOrThrow({ checkoutSessionId: session.id })
    assert.deepInclude<any>(entry, { type: "Opened", data: { items: ["book"] } })
    assert.deepEqual((await checkout.getOrThrow({ checkoutSessionId: session.id })).data as object, { items: ["book"] })
  })

  for (const [what, onEvent] of [
    [
      "throws",
      () => {
        throw new Error("broken")
      }
    ],
    ["rejects", () => Promise.reject(new Error("broken"))]
  ] as const)
    it(`harms nothing where it ${what}: the log tells`, async () => {
      const lines: Array<LogEntry> = []
      await using checkout = await Onelane.open({ storage: ":memory:", onEvent, logger: (line) => lines.push(line) })
      const { session } = await checkout.openOrThrow({ cartId: "cart-1" })
      await checkout.updateOrThrow(toInventory(session.id))
      await until(() => lines.length > 0)
      assert.deepInclude(lines[0], { level: "error", message: "the listener onEvent failed" })
      assert.deepInclude(lines[0]!.annotations, { checkoutSessionId: session.id, version: 1 })
      assert.strictEqual((lines[0]!.cause as Error).message, "broken")
    })

  it("is told the next change when the Promise it returned is settled", async () => {
    const told: Array<number> = []
    let release = (): void => {}
    const onEvent = ({ version }: Change) => {
      told.push(version)
      return new Promise<void>((resolve) => {
        release = resolve
      })
    }
    await using checkout = await Onelane.open({ storage: ":memory:", onEvent })
    const { session } = await checkout.openOrThrow({ cartId: "cart-1" })
    await checkout.updateOrThrow(toInventory(session.id))
    for (let turns = 0; turns < 10; turns++) await setImmediate()
    assert.deepStrictEqual(told, [1])
    release()
    await until(() => told.length === 2)
    release()
  })

  it("a listener that hangs holds up no call and not the close; what is lost is told in the log", async () => {
    const lines: Array<LogEntry> = []
    let told = 0
    const onEvent = () => {
      told++
      return new Promise(() => {})
    }
    const checkout = await Onelane.open({ storage: ":memory:", onEvent, logger: (line) => lines.push(line) })
    for (let cart = 0; cart < 10_010; cart++) await checkout.openOrThrow({ cartId: `cart-${cart}` })
    await until(() => lines.length > 0)
    assert.deepInclude(lines[0], { level: "error" })
    assert.include(lines[0]!.message, "onEvent is too slow")
    assert.strictEqual(told, 1)
    const beganAt = performance.now()
    await checkout.close()
    assert.isBelow(performance.now() - beganAt, 10_000)
  })

  it("what waits when the checkout closes is told before it is closed", async () => {
    const told: Array<string> = []
    const onEvent = async ({ cartId }: Change) => {
      await setTimeout(1)
      told.push(cartId)
    }
    const checkout = await Onelane.open({ storage: ":memory:", onEvent })
    for (let cart = 0; cart < 20; cart++) await checkout.openOrThrow({ cartId: `cart-${cart}` })
    await checkout.close()
    assert.lengthOf(told, 20)
  })

  it("an Effect program gives it to its layer", async () => {
    const told: Array<Change> = []
    const opened = Effect.flatMap(CheckoutSessions.CheckoutSessions, (sessions) =>
      sessions.open(Caller.host, { cartId: "cart-1" })
    )
    const layer = Onelane.layer({ storage: ":memory:", onEvent: (change) => told.push(change) })
    await Effect.runPromise(Effect.provide(opened, layer))
    assert.deepInclude(told[0], { type: "Opened", cartId: "cart-1" })
  })

  it("must be a function", async () => {
    const refused = await Onelane.open({ storage: ":memory:", onEvent: 7 as never }).then(String, String)
    assert.strictEqual(refused, "TypeError: Onelane.open: onEvent must be a function")
  })
})
