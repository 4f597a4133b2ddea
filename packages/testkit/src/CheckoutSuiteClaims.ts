/**
 * CheckoutSuiteClaims: a state whose work the host does itself: the update claims the session, and the claim is closed by
 * `completeTask`, `failTask`, `releaseClaim` or a cancel. Source: CONTRACT §2 and §4.
 */
import { assert } from "@effect/vitest"
import { CheckoutSession } from "@onelane/checkout"
import { Effect } from "effect"
import { type CheckoutIt, callers, openedWorld, Sessions, steps } from "./CheckoutWorld.js"

/** A session in `Shipping Address`, claimed on its way to `Inventory`. */
const claimed = Effect.gen(function* () {
  const sessions = yield* Sessions
  const { checkoutSessionId } = yield* openedWorld
  yield* sessions.update(callers.buyer, { checkoutSessionId, ...steps[0]! })
  const { requestId, session } = yield* sessions.update(callers.buyer, { checkoutSessionId, ...steps[1]! })
  return { checkoutSessionId, requestId, session, operationId: session.operationId! }
})

/** Registers the tests of claims. */
export const claims = (it: CheckoutIt): void => {
  it(
    "an update of a state with work claims the session and leaves it where it is",
    Effect.gen(function* () {
      const { requestId, session } = yield* claimed
      assert.deepInclude(session, { state: "Shipping Address", nextState: "Inventory", isProcessing: true, version: 3 })
      assert.strictEqual(session.lastRequestId, requestId)
      assert.deepStrictEqual(CheckoutSession.violations(session), [])
    })
  )
  it(
    "a completed task moves the session, once: a second result is refused",
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const { checkoutSessionId, operationId } = yield* claimed
      const result = { checkoutSessionId, operationId, orderId: "order-1" }
      const { session } = yield* sessions.completeTask(callers.integrator, result)
      assert.deepInclude(session, { state: "Inventory", nextState: null, operationId: null, orderId: "order-1" })
      assert.deepStrictEqual(CheckoutSession.violations(session), [])
      const late = yield* Effect.flip(sessions.completeTask(callers.integrator, result))
      assert.deepInclude(late, { _tag: "OperationNotCurrent", applied: "no" })
      assert.deepStrictEqual("current" in late && late.current, CheckoutSession.currentOf(session))
    })
  )
  it(
    "a failed task leaves the session in Error, from where an update takes it on again",
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const { checkoutSessionId, operationId } = yield* claimed
      const failed = { checkoutSessionId, operationId, code: "NO_STOCK", message: "sold out" }
      const { session } = yield* sessions.failTask(callers.integrator, failed)
      assert.deepInclude(session, { state: "Error", isError: true, isProcessing: false, version: 4 })
      const retry = { checkoutSessionId, expCurrentState: "Error", nextState: "Inventory" }
      const again = yield* sessions.update(callers.buyer, retry)
      assert.deepInclude(again.session, { state: "Inventory", isError: false })
      const history = yield* sessions.history(callers.buyer, { checkoutSessionId, afterVersion: 2 })
      assert.deepStrictEqual(
        history.map(({ cause, type }) => ({ type, cause })),
        [
          { type: "Claimed", cause: null },
          { type: "TaskFailed", cause: { code: "NO_STOCK", message: "sold out" } },
          { type: "Updated", cause: null }
        ]
      )
    })
  )
  it(
    "a released claim leaves the session in its state, and the result that comes later is refused",
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const { checkoutSessionId, operationId } = yield* claimed
      const released = { checkoutSessionId, operationId, reason: "stuck" }
      const { session } = yield* sessions.releaseClaim(callers.admin, released)
      assert.deepInclude(session, { state: "Shipping Address", nextState: null, isProcessing: false, version: 4 })
      const late = yield* Effect.flip(sessions.completeTask(callers.integrator, { checkoutSessionId, operationId }))
      assert.strictEqual(late._tag, "OperationNotCurrent")
    })
  )
  it(
    "a cancel beats a result that comes later",
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const { checkoutSessionId, operationId } = yield* claimed
      const { session } = yield* sessions.cancel(callers.buyer, { checkoutSessionId })
      assert.deepInclude(session, { isArchived: true, isProcessing: false, nextState: null, operationId: null })
      const late = yield* Effect.flip(sessions.completeTask(callers.integrator, { checkoutSessionId, operationId }))
      assert.deepStrictEqual("current" in late && late.current, CheckoutSession.currentOf(session))
    })
  )
}
