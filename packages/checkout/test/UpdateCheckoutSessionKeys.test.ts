import { assert, describe, it } from "@effect/vitest"
import { FastCheck as fc } from "effect"
import { decide } from "../src/commands/UpdateCheckoutSession.js"
import * as Flow from "../src/flow/Flow.js"
import { acceptedCapacity, acceptedMillis } from "../src/session/SessionState.js"
import { buyer, colleague } from "./fixture.js"
import { after, open, resultOf, turnAt, update, verdictOf } from "./rules.js"

const flow = Flow.withTasks(Flow.b2b, { Inventory: {} })

describe("UpdateCheckoutSession", () => {
  describe("idempotency, step 8", () => {
    const keyed = (key: string, more = {}, caller?: typeof colleague) =>
      update("Start", "Inventory", { idempotencyKey: key, ...more }, caller)
    const first = resultOf(after(open), decide(flow, after(open), keyed("k"), turnAt(1)))

    it("answers the same key and input as it did, whatever happened since", () => {
      const moved = resultOf(
        first.state,
        decide(flow, first.state, { ...update("Inventory", "Confirm Price"), ids: { next: () => "req_2" } }, turnAt(2))
      )
      const again = resultOf(
        moved.state,
        decide(flow, moved.state, { ...keyed("k"), ids: { next: () => "req_3" } }, turnAt(3))
      )
      assert.deepStrictEqual(again.events, [])
      assert.deepStrictEqual(again.reply, { ...first.reply, replayed: true })
    })

    it("is of one caller: another one with the same key is decided by the rules", () =>
      assert.strictEqual(
        verdictOf(decide(flow, first.state, keyed("k", {}, colleague), turnAt(2))),
        "ExpectedStateMismatch/STATE_MISMATCH"
      ))

    it("compares inputs as values: an absent version is not a null one", () =>
      assert.strictEqual(
        verdictOf(decide(flow, first.state, keyed("k", { expectedVersion: null }), turnAt(2))),
        "IdempotencyConflict/IDEMPOTENCY_KEY_REUSED"
      ))

    it("is honoured for a day, and forgotten after it", () => {
      const at = (nowMillis: number) => verdictOf(decide(flow, first.state, keyed("k"), turnAt(nowMillis)))
      assert.strictEqual(at(acceptedMillis), "shown")
      assert.strictEqual(at(acceptedMillis + 1), "ExpectedStateMismatch/STATE_MISMATCH")
      assert.strictEqual(at(-acceptedMillis), "shown")
    })

    it("keeps a bounded number of records, the newest ones", () => {
      let state = after(open)
      for (let n = 0; n <= acceptedCapacity; n++) {
        const [from, to] = n % 2 === 0 ? ["Start", "Inventory"] : ["Inventory", "Start"]
        const command = update(from!, to!, { idempotencyKey: `k${n}` }, buyer, Flow.any)
        state = resultOf(state, decide(Flow.any, state, command, turnAt(n))).state
      }
      assert.strictEqual(state.accepted.length, acceptedCapacity)
      assert.strictEqual(state.accepted[0]?.key, "k1")
    })

    it.prop(
      "a key is accepted at most once, in whatever order requests come",
      [
        fc.array(fc.tuple(fc.constantFrom("k1", "k2"), fc.constantFrom("Start", "Inventory", "Taxes")), {
          maxLength: 30
        })
      ],
      ([requests]) => {
        let state = after(open)
        const acceptances = new Map<string, number>()
        for (const [key, to] of requests) {
          const command = update(state.session!.state, to, { idempotencyKey: key }, buyer, Flow.any)
          const decided = decide(Flow.any, state, command, turnAt(1))
          if (!("events" in decided)) continue
          const result = resultOf(state, decided)
          state = result.state
          if (result.events.length > 0) acceptances.set(key, (acceptances.get(key) ?? 0) + 1)
        }
        assert.isTrue([...acceptances.values()].every((count) => count === 1))
      }
    )
  })
})
