import { assert, describe, it } from "@effect/vitest"
import { FastCheck as fc } from "effect"
import type { SessionTurn } from "../src/commands/SessionCommand.js"
import { decide } from "../src/commands/UpdateCheckoutSession.js"
import * as Flow from "../src/flow/Flow.js"
import { buyer, colleague } from "./fixture.js"
import { after, open, resultOf, turnAt, update, verdictOf } from "./rules.js"

const flow = Flow.withTasks(Flow.b2b, { Inventory: {} })

describe("UpdateCheckoutSession", () => {
  describe("idempotency, step 8", () => {
    const keyed = (key: string, more = {}, caller?: typeof colleague) =>
      update("Start", "Inventory", { idempotencyKey: key, ...more }, caller)
    const first = resultOf(after(open), decide(flow, after(open), keyed("k"), turnAt(1)))
    const later = (nowMillis: number) => turnAt(nowMillis, {}, first.records)

    it("answers the same key and input as it did, whatever happened since", () => {
      const moved = resultOf(
        first.state,
        decide(flow, first.state, { ...update("Inventory", "Confirm Price"), ids: { next: () => "req_2" } }, turnAt(2))
      )
      const again = resultOf(
        moved.state,
        decide(flow, moved.state, { ...keyed("k"), ids: { next: () => "req_3" } }, later(3))
      )
      assert.deepStrictEqual(again.events, [])
      assert.deepInclude(again.reply, { ...first.reply, replayed: true })
    })

    it("is of one caller: another one with the same key is decided by the rules", () =>
      assert.strictEqual(
        verdictOf(decide(flow, first.state, keyed("k", {}, colleague), later(2))),
        "ExpectedStateMismatch/STATE_MISMATCH"
      ))

    it("compares inputs as values: an absent version is not a null one", () =>
      assert.strictEqual(
        verdictOf(decide(flow, first.state, keyed("k", { expectedVersion: null }), later(2))),
        "IdempotencyConflict/IDEMPOTENCY_KEY_REUSED"
      ))

    it("no clock makes it forget a key, however far it jumps", () => {
      for (const nowMillis of [-1e12, 0, 1, 86_400_001, 1e15])
        assert.strictEqual(verdictOf(decide(flow, first.state, keyed("k"), later(nowMillis))), "shown")
    })

    it("an update without a key records nothing, one with a key one digest", () => {
      const plain = decide(flow, after(open), update("Start", "Inventory"), turnAt(1))
      assert.deepStrictEqual(resultOf(after(open), plain).records, [])
      assert.lengthOf(first.records, 1)
      assert.match(first.records[0]!.digest, /^[A-Za-z0-9_-]{22}$/)
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
        let recorded: SessionTurn["records"] = []
        const acceptances = new Map<string, number>()
        for (const [key, to] of requests) {
          const command = update(state.session!.state, to, { idempotencyKey: key }, buyer, Flow.any)
          const records = recorded.filter(({ digest }) => digest === command.use?.digest)
          const decided = decide(Flow.any, state, command, turnAt(1, {}, records))
          if (!("events" in decided)) continue
          const result = resultOf(state, decided)
          state = result.state
          recorded = [...recorded, ...result.records]
          if (result.events.length > 0) acceptances.set(key, (acceptances.get(key) ?? 0) + 1)
        }
        assert.isTrue([...acceptances.values()].every((count) => count === 1))
      }
    )
  })
})
