import { assert, describe, it } from "@effect/vitest"
import { type CartState, cartBehavior, type Reserve } from "../src/commands/CartBehavior.js"
import { next, type Refused, taken } from "../src/commands/Reopening.js"
import * as Refusal from "../src/errors/Refusal.js"
import type { ClosedBy } from "../src/session/CheckoutSession.js"
import { after, open } from "./rules.js"

const session = { ...after(open).session!, orderId: "order-1" }
const closed = (reason: ClosedBy) => Refusal.sessionClosed(session, reason)
const completed = { checkoutSessionId: "cs_1", orderId: "order-1" }
const place: Refused = { id: "cs_1", wantedId: null, again: false, remembered: null }

describe("Reopening", () => {
  it("replaces a cancelled and an expired session, and a completed one for a second order only", () => {
    for (const reason of ["CANCELLED", "EXPIRED"] as const)
      assert.deepStrictEqual(next(closed(reason), place), { step: "replace", completed: null })
    const error = closed("COMPLETED")
    assert.deepStrictEqual(next(error, place), { step: "give back", error })
    assert.deepStrictEqual(next(error, { ...place, again: true }), { step: "replace", completed })
    assert.deepInclude(error, { ...completed, reason: "COMPLETED" })
  })

  it("an id of the host's own is never replaced: the answer says what became of it, or that it is taken", () => {
    const own = { ...place, wantedId: "cs_1", again: true }
    for (const reason of ["COMPLETED", "CANCELLED", "EXPIRED"] as const)
      assert.deepStrictEqual(next(closed(reason), own), { step: "give back", error: closed(reason) })
    assert.deepStrictEqual(next(Refusal.sessionInaccessible, own), { step: "give back", error: taken })
  })

  it("a cart that names another cart's session is still completed by the one it remembers", () => {
    const foreign = { ...place, remembered: completed }
    const refused = next(Refusal.sessionInaccessible, foreign)
    assert.deepInclude("error" in refused ? refused.error : {}, {
      _tag: "SessionClosed",
      reason: "COMPLETED",
      ...completed
    })
    assert.deepStrictEqual(next(Refusal.sessionInaccessible, { ...foreign, again: true }), {
      step: "replace",
      completed
    })
    assert.deepStrictEqual(next(Refusal.sessionInaccessible, place), { step: "replace", completed: null })
  })

  it("anything else is the opener's answer", () => {
    const error = Refusal.accountInaccessible
    assert.deepStrictEqual(next(error, { ...place, again: true }), { step: "give back", error })
  })
})

describe("the actor of a cart", () => {
  const turn = { nowMillis: 7, sequence: 0, facts: undefined, records: [] }
  const decided = (state: CartState, more: Partial<Reserve> = {}) => {
    const command = {
      tag: "Reserve",
      sessionId: "cs_new",
      replacing: null,
      again: false,
      completed: null,
      assign: null,
      use: null,
      requestId: "req_1",
      ...more
    } as const
    const decision = cartBehavior.decide(state, command, turn)
    if (!("events" in decision)) throw new Error("refused")
    const changed = decision.events.reduce(cartBehavior.evolve, state)
    return { changed, reply: decision.reply(changed, 0) }
  }
  const { initial } = cartBehavior

  it("names the first session, keeps it, and lets only the named one be replaced", () => {
    const { changed } = decided(initial)
    assert.strictEqual(changed.sessionId, "cs_new")
    assert.strictEqual(decided(changed, { sessionId: "cs_2" }).reply.sessionId, "cs_new")
    assert.strictEqual(decided(changed, { sessionId: "cs_2", replacing: "cs_0" }).reply.sessionId, "cs_new")
    const replaced = decided(changed, { sessionId: "cs_2", replacing: "cs_new", completed })
    assert.deepStrictEqual(replaced.reply, { sessionId: "cs_2", completed, used: null })
  })

  it("remembers who completed the cart when that session is pruned, and opens it again when asked to", () => {
    const pruned = cartBehavior.evolve(decided(initial).changed, { type: "Pruned", completed })
    assert.deepStrictEqual(decided(pruned), { changed: pruned, reply: { sessionId: null, completed, used: null } })
    assert.deepStrictEqual(decided(pruned, { again: true }).reply, { sessionId: "cs_new", completed, used: null })
    assert.deepStrictEqual(cartBehavior.decode(JSON.parse(JSON.stringify(pruned))), pruned)
  })

  it("keeps the last 16 late successes, each once", () => {
    let state = initial
    for (let number = 0; number < 20; number++)
      for (let again = 0; again < 2; again++) {
        const late = { checkoutSessionId: "cs_1", operationId: "op_1", orderId: `order-${number}`, by: null }
        const decision = cartBehavior.decide(state, { tag: "Keep", late }, turn)
        if (!("events" in decision)) throw new Error("refused")
        assert.strictEqual(decision.events.length, again === 0 ? 1 : 0)
        state = decision.events.reduce(cartBehavior.evolve, state)
      }
    assert.deepStrictEqual(
      state.late.map(({ at, orderId }) => [at, orderId]),
      Array.from({ length: 16 }, (_, index) => [7, `order-${index + 4}`])
    )
  })
})
