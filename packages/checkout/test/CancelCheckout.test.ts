import { assert, describe, it } from "@effect/vitest"
import { check, decide } from "../src/commands/CancelCheckout.js"
import type { CommandOf } from "../src/commands/SessionCommand.js"
import * as Flow from "../src/flow/Flow.js"
import { buyer } from "./fixture.js"
import { after, cancelled, claim, granted, open, resultOf, turnAt, verdictOf } from "./rules.js"

const cancel = (more: Partial<CommandOf<"Cancel">> = {}): CommandOf<"Cancel"> => ({
  tag: "Cancel",
  caller: buyer,
  requestId: "req_9",
  cartId: null,
  expectedVersion: null,
  ...more
})
const judged = (state: ReturnType<typeof after>, more: Partial<CommandOf<"Cancel">> = {}, turn = turnAt(9)) =>
  verdictOf(decide(Flow.b2b, state, cancel(more), turn))

describe("CancelCheckout", () => {
  it("takes a session or a cart, and not both", () => {
    const tagOf = (input: object) => check(input)?._tag ?? "passed"
    assert.strictEqual(tagOf({ checkoutSessionId: "cs_1" }), "passed")
    assert.strictEqual(tagOf({ cartId: "cart 1" }), "passed")
    assert.strictEqual(tagOf({}), "InvalidInput")
    assert.strictEqual(tagOf({ checkoutSessionId: "cs_1", cartId: "cart-1" }), "InvalidInput")
    assert.strictEqual(tagOf({ cartId: "a\u0000b" }), "InvalidInput")
    assert.strictEqual(tagOf({ checkoutSessionId: "?" }), "InvalidCheckoutSessionId")
  })

  it("archives a session, claimed or not, and lets its claim go", () => {
    const claimed = after(open, claim("Inventory"))
    const { session } = resultOf(claimed, decide(Flow.b2b, claimed, cancel(), turnAt(9))).reply
    assert.deepInclude(session, { state: "Start", isArchived: true, operationId: null, nextState: null, version: 3 })
    assert.strictEqual(judged(after(open)), "Cancelled")
  })

  it("refuses who may not see it, then one that is closed, then another version", () => {
    const closed = after(open, cancelled)
    const blind = turnAt(9, { rights: { ...granted, maySee: false } })
    assert.strictEqual(judged(closed, { expectedVersion: 9 }, blind), "SessionInaccessible/SESSION_INACCESSIBLE")
    assert.strictEqual(judged(closed, { expectedVersion: 9 }), "SessionClosed/CANCELLED")
    assert.strictEqual(judged(after(open), { expectedVersion: 9 }), "ExpectedStateMismatch/VERSION_MISMATCH")
    assert.strictEqual(judged(after(open), { expectedVersion: 1 }), "Cancelled")
  })

  it("a session past its expiry is closed, whether or not the clock has archived it; a running task keeps it open", () => {
    assert.strictEqual(judged(after({ ...open, expiresAt: 5 })), "SessionClosed/EXPIRED")
    assert.strictEqual(judged(after({ ...open, expiresAt: 5 }, claim("Inventory"))), "Cancelled")
  })

  it("named by a cart, it must be that cart's", () => {
    assert.strictEqual(judged(after(open), { cartId: "cart-1" }), "Cancelled")
    assert.strictEqual(judged(after(open), { cartId: "cart-2" }), "SessionInaccessible/SESSION_INACCESSIBLE")
  })
})
