import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as CheckoutTasks from "../src/flow/CheckoutTasks.js"
import * as Flow from "../src/flow/Flow.js"
import { backgroundStates } from "../src/session/CheckoutState.js"

describe("CheckoutTasks", () => {
  it("has one slot for each background state, and no other", () =>
    assert.sameMembers(Object.values(CheckoutTasks.states), [...backgroundStates]))

  it("attaches the slots that are filled to their states", () => {
    const taxes = { run: () => Effect.void }
    const cartToOrder = { run: () => Effect.succeed({ orderId: "order-1" }) }
    const flow = CheckoutTasks.attach(Flow.b2b, { taxes, cartToOrder, inventory: undefined })
    assert.deepStrictEqual(Object.fromEntries(flow.tasks), { Taxes: taxes, "Cart To Order": cartToOrder })
    assert.strictEqual(flow.transitions, Flow.b2b.transitions)
  })

  it("refuses a slot whose state the flow does not have", () =>
    assert.throws(
      () => CheckoutTasks.attach(Flow.b2bAsync, { calculatePromotions: {} }),
      /unknown state "Calculate Promotions"/
    ))
})
