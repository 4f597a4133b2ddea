/** An operator moves a session, whatever the transitions of its flow say. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type * as CheckoutError from "../src/errors/CheckoutError.js"
import { admin, boot, buyer, settled } from "./fixture.js"
import { claimed, deployed, first, get, refusalOf, second, update } from "./flowVersions.js"

const checkout = { Basket: ["Payment"], Payment: ["Done", "Basket"], Done: [] } as const

describe("move", () => {
  it.scoped("an operator moves a session that has no way on; history says who and why", () =>
    Effect.gen(function* () {
      const { after, id } = yield* deployed("Ship", second(checkout))
      const { sessions } = after
      const input = { checkoutSessionId: id, state: "Payment", reason: "Ship is gone", idempotencyKey: "m" }
      const moved = yield* sessions.move(admin, input)
      assert.deepInclude(moved.session, { state: "Payment", version: 2 })
      assert.deepStrictEqual(yield* sessions.move(admin, input), { ...moved, replayed: true })
      const entries = yield* sessions.history(admin, { checkoutSessionId: id })
      assert.deepInclude(entries.at(-1), {
        type: "Moved",
        from: "Ship",
        to: "Payment",
        by: "admin",
        reason: "Ship is gone"
      })
      // The old name is still no unknown one.
      assert.deepInclude(yield* refusalOf(update(sessions, id, "Ship", "Done")), { _tag: "ExpectedStateMismatch" })
      yield* update(sessions, id, "Payment", "Done")
    })
  )

  it.scoped("it is refused in the order of the checks, and writes nothing then", () =>
    Effect.gen(function* () {
      const { id, journal } = yield* claimed()
      const { sessions } = yield* boot(journal, { flow: first({}) })
      const move = (more: object, caller = admin) =>
        sessions.move(caller, { checkoutSessionId: id, state: "Basket", reason: "why", ...more })
      const refusals: ReadonlyArray<readonly [string, Effect.Effect<unknown, CheckoutError.CheckoutError>]> = [
        ["ActionNotPermitted", move({}, buyer)],
        ["InvalidInput", move({ reason: undefined })],
        ["InvalidInput", move({ reason: "" })],
        ["InvalidInput", move({ state: 7 })],
        ["InvalidInput", move({ surplus: 1 })],
        ["InvalidCheckoutSessionId", move({ checkoutSessionId: "?" })],
        ["InvalidState", move({ state: "Nowhere" })],
        ["InvalidState", move({ state: "Error" })],
        ["SessionInaccessible", move({ checkoutSessionId: "cs_none" })],
        ["ExpectedStateMismatch", move({ expectedVersion: 7 })],
        ["SessionProcessing", move({})]
      ]
      for (const [tag, call] of refusals) assert.strictEqual((yield* refusalOf(call))._tag, tag)
      assert.strictEqual((yield* get(sessions, id)).version, 2)
      yield* sessions.cancel(admin, { checkoutSessionId: id })
      assert.strictEqual((yield* refusalOf(move({})))._tag, "SessionClosed")
    })
  )

  it.scoped("a move to a final state completes the session, one from Error clears it", () =>
    Effect.gen(function* () {
      const { id, journal } = yield* claimed()
      const { sessions } = yield* boot(journal, { flow: second({ Basket: ["End"], End: [] }) })
      yield* settled(sessions, id)
      const move = (state: string) => sessions.move(admin, { checkoutSessionId: id, state, reason: "why" })
      assert.deepInclude((yield* move("Basket")).session, { state: "Basket", isError: false })
      assert.deepInclude((yield* move("End")).session, { state: "End", closedBy: "COMPLETED" })
    })
  )
})
