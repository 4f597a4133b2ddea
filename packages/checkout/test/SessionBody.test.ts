import { assert, describe, it } from "@effect/vitest"
import { body } from "../src/session/SessionBody.js"
import type { SessionEvent } from "../src/session/SessionEvent.js"
import { evolve, initial, type SessionState } from "../src/session/SessionState.js"

const opened: SessionEvent = {
  ...{ type: "Opened", at: 1, by: "ann", requestId: "r1", id: "cs_1", cartId: "c", storeId: "s", accountId: "a" },
  ...{ ownerId: "ann", state: "Start", expiresAt: null, data: { kept: "x", nested: { a: 1, b: 2 } } }
}
const moved = { at: 2, by: "ann", requestId: "r2", from: "Start", to: "Inventory", use: null }
const closing = { at: 3, from: "Start", by: null, operationId: "op_1", workKey: "w_1" }
const claim = { operationId: "op_1", workKey: "w_1", deadlineAt: 9, ...moved }
const patch = { nested: { a: null, c: [3] }, added: "y" }

const events: ReadonlyArray<SessionEvent> = [
  { type: "Updated", archives: false, ...moved },
  { type: "Updated", archives: true, ...moved, data: patch },
  { type: "Claimed", ...claim },
  { type: "Claimed", ...claim, data: patch },
  { type: "TaskCompleted", to: "Inventory", orderId: "o", archives: false, ...closing },
  { type: "TaskCompleted", to: "Inventory", orderId: "o", archives: false, ...closing, data: patch },
  { type: "TaskFailed", cause: { code: "X", message: "x" }, applied: "no", ...closing },
  { type: "ClaimReleased", reason: "why", ...closing },
  { type: "LateResult", orderId: null, ...closing },
  { type: "OwnerChanged", at: 4, from: "Start", by: "ann", requestId: "r3" },
  { type: "Expired", at: 5, from: "Start" }
]

describe("the data of a session, kept apart from its state", () => {
  it("what an event makes of the data does not depend on the rest of the state", () => {
    const start = evolve(initial, opened)
    const states: ReadonlyArray<SessionState> = [
      start,
      evolve(start, events[0]!),
      evolve(start, events[2]!),
      evolve(start, events[10]!)
    ]
    for (const event of events) {
      const [first, ...others] = states.map((state) => body.of(evolve(state, event)))
      for (const other of others) assert.deepStrictEqual(other, first, event.type)
      const isChanged = "data" in event && event.data !== undefined
      assert.strictEqual(first === body.of(start), !isChanged, event.type)
      assert.deepStrictEqual(first, isChanged ? { kept: "x", nested: { b: 2, c: [3] }, added: "y" } : body.of(start))
    }
  })

  it("a state is the same with its data taken off and put on again, and nothing is copied where there is none", () => {
    const start = evolve(initial, opened)
    const bare = body.without(start)
    assert.isNull(bare.session!.data)
    assert.deepStrictEqual(body.with(bare, body.of(start)), start)
    assert.strictEqual(body.without(bare), bare)
    assert.strictEqual(body.without(initial), initial)
    for (const wrong of [1, "text", [], true]) assert.throws(() => body.with(bare, wrong))
  })
})
