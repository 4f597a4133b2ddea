/**
 * CheckoutSuiteFinding: what is read about carts without naming a session, as `CheckoutSuite` runs it.
 */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { type CheckoutIt, callers, elapse, makeWorld, openedWorld, Sessions, steps, walkTo } from "./CheckoutWorld.js"

const none = { session: null, closed: null }

/** Registers the tests of `find`. */
export const finding = (it: CheckoutIt, live: boolean): void => {
  it(
    "find gives the live session of a cart as get gives it, and creates none",
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const { cartId } = yield* makeWorld
      assert.deepStrictEqual(yield* sessions.find(callers.buyer, { cartId }), none)
      const { created, session } = yield* sessions.open(callers.buyer, { cartId })
      assert.isTrue(created)
      const checkoutSessionId = session.id
      yield* sessions.update(callers.buyer, { checkoutSessionId, ...steps[0]! })
      for (const caller of [callers.buyer, callers.colleague, callers.integrator]) {
        const found = yield* sessions.find(caller, { cartId })
        assert.deepStrictEqual(found, { session: yield* sessions.get(caller, { checkoutSessionId }), closed: null })
      }
    })
  )
  it(
    "find tells how the last session of a cart ended, when, and with which order",
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const { cartId, checkoutSessionId } = yield* openedWorld
      const { session } = yield* sessions.cancel(callers.buyer, { checkoutSessionId })
      const cancelled = {
        checkoutSessionId,
        closedBy: "CANCELLED",
        orderId: null,
        closedAt: session!.updatedAt
      } as const
      assert.deepStrictEqual(yield* sessions.find(callers.buyer, { cartId }), { session: null, closed: cancelled })
      const { id } = (yield* sessions.open(callers.buyer, { cartId })).session
      const walked = yield* walkTo(id, "Complete")
      const closedAt = walked.at(-1)!.session.updatedAt
      const completed = { checkoutSessionId: id, closedBy: "COMPLETED", orderId: null, closedAt } as const
      assert.deepStrictEqual(yield* sessions.find(callers.buyer, { cartId }), { session: null, closed: completed })
      const next = yield* sessions.open(callers.buyer, { cartId, again: true })
      assert.deepStrictEqual(yield* sessions.find(callers.buyer, { cartId }), { session: next.session, closed: null })
    })
  )
  it(
    "find gives no session that is past its expiry",
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const { cartId } = yield* makeWorld
      const { session } = yield* sessions.open(callers.buyer, { cartId, expiresInMillis: 50 })
      yield* elapse(60, live)
      const { closed, session: found } = yield* sessions.find(callers.buyer, { cartId })
      assert.isNull(found)
      assert.deepInclude(closed, { checkoutSessionId: session.id, closedBy: "EXPIRED", orderId: null })
      assert.isAtLeast(closed!.closedAt!, session.expiresAt!)
    })
  )
  it(
    "find is for those who may read, and tells nobody else whether there is such a cart",
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const { cartId, closeAccount, leaveStore } = yield* openedWorld
      const refusal = (caller: typeof callers.buyer, id = cartId) => Effect.flip(sessions.find(caller, { cartId: id }))
      const unseen = yield* refusal(callers.stranger)
      assert.strictEqual(unseen._tag, "SessionInaccessible")
      assert.deepStrictEqual(yield* refusal(callers.stranger, "no-such-cart"), unseen)
      assert.deepStrictEqual(yield* refusal(callers.buyer, "no-such-cart"), unseen)
      assert.strictEqual((yield* refusal(callers.nobody))._tag, "ActionNotPermitted")
      assert.strictEqual((yield* refusal(callers.actingForOther))._tag, "AccountInaccessible")
      yield* leaveStore
      assert.strictEqual((yield* refusal(callers.buyer))._tag, "NotStoreMember")
      yield* closeAccount
      assert.strictEqual((yield* refusal(callers.buyer))._tag, "AccountInaccessible")
    })
  )
  it(
    "find refuses what names no cart",
    Effect.gen(function* () {
      const sessions = yield* Sessions
      for (const input of [{}, { cartId: "" }, { cartId: 7 }, { cartId: "x".repeat(256) }, { cartId: "a\nb" }]) {
        const error = yield* Effect.flip(sessions.find(callers.buyer, input as never))
        assert.deepInclude(error, { _tag: "InvalidInput", fields: ["cartId"], applied: "no" }, JSON.stringify(input))
      }
    })
  )
  it(
    "find takes cart ids with any characters",
    Effect.gen(function* () {
      const sessions = yield* Sessions
      for (const cartId of ["a/b", "a?b#c", "ü %", "123"]) {
        assert.strictEqual((yield* Effect.flip(sessions.find(callers.buyer, { cartId })))._tag, "SessionInaccessible")
      }
    })
  )
}
