/**
 * CheckoutSuiteKeys: idempotency keys, as `CheckoutSuite` runs them. Source: CONTRACT §4 and §3 step 8.
 */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { type CheckoutIt, callers, openedWorld, Sessions } from "./CheckoutWorld.js"

const update = { expCurrentState: "Start", nextState: "Inventory", idempotencyKey: "k1" }

/** Registers the tests of idempotency keys. */
export const keys = (it: CheckoutIt): void => {
  it(
    "the same key and input get the same answer, marked replayed, even when the session has moved on",
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const { checkoutSessionId } = yield* openedWorld
      const first = yield* sessions.update(callers.buyer, { checkoutSessionId, ...update })
      yield* sessions.update(callers.buyer, {
        checkoutSessionId,
        expCurrentState: "Inventory",
        nextState: "Confirm Price"
      })
      const again = yield* sessions.update(callers.buyer, { ...update, checkoutSessionId })
      assert.isFalse(first.replayed)
      assert.isTrue(again.replayed)
      assert.strictEqual(again.requestId, first.requestId)
      assert.strictEqual((yield* sessions.get(callers.buyer, { checkoutSessionId })).version, 3)
    })
  )
  it(
    "many requests under one key at once are one acceptance, told to all",
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const { checkoutSessionId } = yield* openedWorld
      const answers = yield* Effect.all(
        Array.from({ length: 16 }, () => sessions.update(callers.buyer, { checkoutSessionId, ...update })),
        { concurrency: "unbounded" }
      )
      assert.strictEqual(answers.filter(({ replayed }) => !replayed).length, 1)
      assert.strictEqual(new Set(answers.map(({ requestId }) => requestId)).size, 1)
      assert.strictEqual((yield* sessions.get(callers.buyer, { checkoutSessionId })).version, 2)
    })
  )
  scope(it)
}

const scope = (it: CheckoutIt): void => {
  it(
    "a key belongs to its caller: another caller's same key is another key",
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const { checkoutSessionId } = yield* openedWorld
      yield* sessions.update(callers.buyer, { checkoutSessionId, ...update })
      const other = yield* Effect.flip(sessions.update(callers.colleague, { checkoutSessionId, ...update }))
      assert.strictEqual(other._tag, "ExpectedStateMismatch")
    })
  )
  it(
    "a refusal is not kept under its key: it may be tried again and then be accepted",
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const world = yield* openedWorld
      const keyed = { ...update, checkoutSessionId: world.checkoutSessionId }
      yield* world.setCartStatus("Closed")
      const refused = yield* Effect.flip(sessions.update(callers.buyer, keyed))
      assert.strictEqual(refused._tag, "CartNotUpdatable")
      yield* world.setCartStatus("Active")
      assert.isFalse((yield* sessions.update(callers.buyer, keyed)).replayed)
    })
  )
  it(
    "a right revoked since beats the replay",
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const world = yield* openedWorld
      const keyed = { ...update, checkoutSessionId: world.checkoutSessionId }
      yield* sessions.update(callers.buyer, keyed)
      yield* world.leaveStore
      assert.strictEqual((yield* Effect.flip(sessions.update(callers.buyer, keyed)))._tag, "NotStoreMember")
    })
  )
  it(
    "a session keeps a bounded number of keys: the oldest is forgotten, and then its update is a late one",
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const { checkoutSessionId } = yield* openedWorld
      yield* sessions.update(callers.buyer, { checkoutSessionId, ...update })
      for (let moves = 0; moves < 100; moves++) {
        const [expCurrentState, nextState] = moves % 2 === 0 ? ["Inventory", "Taxes"] : ["Taxes", "Inventory"]
        const idempotencyKey = `move-${moves}`
        yield* sessions.update(callers.buyer, {
          checkoutSessionId,
          expCurrentState: expCurrentState!,
          nextState: nextState!,
          idempotencyKey
        })
      }
      const forgotten = yield* Effect.flip(sessions.update(callers.buyer, { checkoutSessionId, ...update }))
      assert.strictEqual(forgotten._tag, "ExpectedStateMismatch")
      const known = { expCurrentState: "Taxes", nextState: "Inventory", idempotencyKey: "move-99" }
      assert.isTrue((yield* sessions.update(callers.buyer, { checkoutSessionId, ...known })).replayed)
    })
  )
}
