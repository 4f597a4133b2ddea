/**
 * CheckoutSuiteKeys: idempotency keys, as `CheckoutSuite` runs them. Source: CONTRACT §4 and §3 step 8.
 */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { type CheckoutIt, callers, makeWorld, openedWorld, Sessions } from "./CheckoutWorld.js"

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
  opening(it)
  cancelling(it)
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
    "a key holds as long as its session, however many others are accepted after it",
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const { checkoutSessionId } = yield* openedWorld
      const first = yield* sessions.update(callers.buyer, { checkoutSessionId, ...update })
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
      const again = yield* sessions.update(callers.buyer, { checkoutSessionId, ...update })
      assert.deepStrictEqual(again, { ...first, replayed: true })
      const other = yield* Effect.flip(
        sessions.update(callers.buyer, { checkoutSessionId, ...update, nextState: "Taxes" })
      )
      assert.deepInclude(other, { _tag: "IdempotencyConflict", requestId: first.requestId })
      assert.strictEqual((yield* sessions.get(callers.buyer, { checkoutSessionId })).version, 102)
    })
  )
}

const opening = (it: CheckoutIt): void => {
  it(
    "an open repeated under its key is answered as it was, also when the session has moved on and is closed",
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const world = yield* makeWorld
      const keyed = { cartId: world.cartId, expiresInMillis: 3_600_000, idempotencyKey: "o1" }
      const first = yield* sessions.open(callers.buyer, keyed)
      assert.deepInclude(first, { created: true, replayed: false })
      const checkoutSessionId = first.session.id
      yield* sessions.update(callers.buyer, { checkoutSessionId, ...update })
      assert.deepStrictEqual(yield* sessions.open(callers.buyer, keyed), { ...first, replayed: true })
      yield* sessions.cancel(callers.admin, { checkoutSessionId })
      assert.deepStrictEqual(yield* sessions.open(callers.buyer, keyed), { ...first, replayed: true })
      const next = yield* sessions.open(callers.buyer, { cartId: world.cartId })
      assert.isTrue(next.created)
      yield* world.setCartStatus("Closed")
      assert.deepStrictEqual(yield* sessions.open(callers.buyer, keyed), { ...first, replayed: true })
    })
  )
  it(
    "an open that found a live session is answered under its key with what it found, and opens no other later",
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const world = yield* openedWorld
      const keyed = { cartId: world.cartId, idempotencyKey: "o1" }
      const found = yield* sessions.open(callers.buyer, keyed)
      assert.deepInclude(found, { created: false, replayed: false })
      assert.strictEqual(found.session.id, world.checkoutSessionId)
      yield* world.cancel
      assert.deepStrictEqual(yield* sessions.open(callers.buyer, keyed), { ...found, replayed: true })
    })
  )
  it(
    "an open under a key that was used for another input is refused; another caller's key is another key",
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const world = yield* makeWorld
      const keyed = { cartId: world.cartId, idempotencyKey: "o1" }
      const first = yield* sessions.open(callers.buyer, keyed)
      const other = yield* Effect.flip(sessions.open(callers.buyer, { ...keyed, initialState: "Inventory" }))
      assert.deepInclude(other, { _tag: "IdempotencyConflict", requestId: first.requestId })
      const colleague = yield* sessions.open(callers.colleague, { ...keyed, initialState: "Inventory" })
      assert.deepInclude(colleague, { created: false, replayed: false })
      yield* world.leaveStore
      assert.strictEqual((yield* Effect.flip(sessions.open(callers.buyer, keyed)))._tag, "NotStoreMember")
    })
  )
  it(
    "many opens under one key at once create one session and are told alike",
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const { cartId } = yield* makeWorld
      const answers = yield* Effect.all(
        Array.from({ length: 16 }, () => sessions.open(callers.buyer, { cartId, idempotencyKey: "o1" })),
        { concurrency: "unbounded" }
      )
      assert.strictEqual(answers.filter(({ replayed }) => !replayed).length, 1)
      assert.strictEqual(new Set(answers.map(({ requestId, session }) => `${requestId} ${session.id}`)).size, 1)
      assert.isTrue(answers.every(({ created, session }) => created && session.version === 1))
    })
  )
}

const cancelling = (it: CheckoutIt): void => {
  it(
    "a cancel repeated under its key is answered as it was; without one it finds the session closed",
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const { checkoutSessionId } = yield* openedWorld
      const keyed = { checkoutSessionId, idempotencyKey: "c1" }
      const first = yield* sessions.cancel(callers.buyer, keyed)
      assert.isFalse(first.replayed)
      assert.deepStrictEqual(yield* sessions.cancel(callers.buyer, keyed), { ...first, replayed: true })
      assert.strictEqual(
        (yield* Effect.flip(sessions.cancel(callers.buyer, { checkoutSessionId })))._tag,
        "SessionClosed"
      )
      const other = yield* Effect.flip(sessions.cancel(callers.buyer, { ...keyed, expectedVersion: 1 }))
      assert.strictEqual(other._tag, "IdempotencyConflict")
    })
  )
  it(
    "a cancel by cart repeated under its key means the session it meant, not the cart's next one",
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const world = yield* openedWorld
      const keyed = { cartId: world.cartId, idempotencyKey: "c1" }
      const first = yield* sessions.cancel(callers.buyer, keyed)
      const next = yield* sessions.open(callers.buyer, { cartId: world.cartId })
      assert.deepStrictEqual(yield* sessions.cancel(callers.buyer, keyed), { ...first, replayed: true })
      const live = yield* sessions.get(callers.buyer, { checkoutSessionId: next.session.id })
      assert.isFalse(live.isArchived)
    })
  )
  it(
    "one key is a key of its own for every action",
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const { cartId } = yield* makeWorld
      const idempotencyKey = "same"
      const { session } = yield* sessions.open(callers.buyer, { cartId, idempotencyKey })
      const moved = yield* sessions.update(callers.buyer, { ...update, checkoutSessionId: session.id, idempotencyKey })
      const over = yield* sessions.cancel(callers.buyer, { checkoutSessionId: session.id, idempotencyKey })
      assert.deepStrictEqual([moved.replayed, over.replayed], [false, false])
    })
  )
}
