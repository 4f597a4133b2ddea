import { assert, describe, it } from "@effect/vitest"
import { check, decide, expiryMaxMillis } from "../src/commands/OpenCheckoutSession.js"
import type { CommandOf } from "../src/commands/SessionCommand.js"
import * as Flow from "../src/flow/Flow.js"
import { buyer } from "./fixture.js"
import { after, cancelled, claim, open, turnAt, verdictOf } from "./rules.js"

const { id, cartId, storeId, accountId, ownerId, state } = open
const opening: CommandOf<"Open"> = {
  tag: "Open",
  caller: buyer,
  requestId: "req_9",
  session: { id, cartId, storeId, accountId, ownerId, state },
  cart: { cartStatus: "Active", revision: null },
  lifeMillis: null
}
const judged = (now: ReturnType<typeof after>, nowMillis = 1, command = opening) =>
  verdictOf(decide(Flow.b2b, now, command, turnAt(nowMillis)))

describe("OpenCheckoutSession", () => {
  it("checks cart, id, life and state, in the order of the contract", () => {
    const tagOf = (input: object) => check(Flow.b2b, { cartId: "cart-1", ...input })?._tag ?? "passed"
    assert.strictEqual(tagOf({}), "passed")
    assert.strictEqual(tagOf({ checkoutSessionId: null, initialState: null, expiresInMillis: null }), "passed")
    assert.strictEqual(tagOf({ initialState: "Order Confirmation", expiresInMillis: expiryMaxMillis }), "passed")
    for (const wrong of [
      { cartId: "" },
      { cartId: "a\nb" },
      { expiresInMillis: 0 },
      { expiresInMillis: 1e12 },
      { x: 1 }
    ])
      assert.strictEqual(tagOf({ ...wrong, checkoutSessionId: "?" }), "InvalidInput", JSON.stringify(wrong))
    assert.strictEqual(tagOf({ checkoutSessionId: "?", initialState: "?" }), "InvalidCheckoutSessionId")
    const { message } = check(Flow.presets["b2b-sync"], { cartId: "c", initialState: "?" })!
    const states = "Start, Authorize Payment, Activate Order, Order Confirmation"
    assert.strictEqual(message, `initialState must be one of: ${states}.`)
    for (const initialState of ["?", "Error", "Complete"]) assert.strictEqual(tagOf({ initialState }), "InvalidState")
  })

  it("opens what was never opened, and shows the live session, claimed or not", () => {
    assert.strictEqual(judged(after()), "Opened")
    assert.strictEqual(judged(after(open)), "shown")
    assert.strictEqual(judged(after(open, claim("Inventory"))), "shown")
  })

  it("tells the opener to take another id: closed, expired, or another cart's", () => {
    assert.strictEqual(judged(after(open, cancelled)), "SessionClosed/CANCELLED")
    assert.strictEqual(judged(after({ ...open, expiresAt: 5 }), 5), "SessionClosed/EXPIRED")
    const foreign = { ...opening, session: { ...opening.session, cartId: "cart-2" } }
    assert.strictEqual(judged(after(open), 1, foreign), "SessionInaccessible/SESSION_INACCESSIBLE")
  })
})
