/**
 * CheckoutSuiteClaims: a state whose work the host does itself: the update claims the session, and the claim is closed
 * by `completeTask`, `failTask`, `releaseClaim` or a cancel. Source: CONTRACT §2 and §4.
 */
import { assert } from "@effect/vitest"
import { CheckoutSession } from "@onelane/checkout"
import { Effect } from "effect"
import { type CheckoutIt, callers, openedWorld, Sessions, steps } from "./CheckoutWorld.js"

interface Claim {
  readonly checkoutSessionId: string
  readonly operationId: string
  readonly idempotencyKey: string
}

interface Expecting {
  readonly checkoutSessionId: string
  readonly operationId: string
  readonly expectedVersion: number
}

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
    "a completed task moves the session, once: the same result again gets the first answer, another is late",
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const { checkoutSessionId, operationId } = yield* claimed
      const result = { checkoutSessionId, operationId, orderId: "order-1" }
      const { session } = yield* sessions.completeTask(callers.integrator, result)
      assert.deepInclude(session, { state: "Inventory", nextState: null, operationId: null, orderId: "order-1" })
      assert.deepStrictEqual(CheckoutSession.violations(session), [])
      yield* sessions.update(callers.buyer, {
        checkoutSessionId,
        expCurrentState: "Inventory",
        nextState: "Confirm Price"
      })
      const again = yield* sessions.completeTask(callers.integrator, result)
      assert.deepStrictEqual(again, { replayed: true, session })
      const other = { ...result, orderId: "order-2" }
      const late = yield* Effect.flip(sessions.completeTask(callers.integrator, other))
      assert.deepInclude(late, { _tag: "OperationNotCurrent", reason: "OPERATION_LATE", recorded: true, applied: "no" })
      const after = yield* sessions.get(callers.admin, { checkoutSessionId })
      assert.deepInclude(after, { state: "Confirm Price", orderId: "order-1", version: session.version + 2 })
      assert.deepStrictEqual("current" in late && late.current, CheckoutSession.currentOf(after))
      assert.deepStrictEqual(yield* Effect.flip(sessions.completeTask(callers.integrator, other)), late)
      const failed = yield* Effect.flip(
        sessions.failTask(callers.integrator, { checkoutSessionId, operationId, code: "C" })
      )
      assert.deepInclude(failed, { reason: "OPERATION_LATE", recorded: false })
      const history = yield* sessions.history(callers.admin, { checkoutSessionId, afterVersion: 2 })
      const { workKey } = history[0]!
      assert.deepStrictEqual(
        history.map(({ orderId, type, workKey: key }) => [type, orderId, key === workKey]),
        [
          ["Claimed", null, true],
          ["TaskCompleted", "order-1", true],
          ["Updated", null, false],
          ["LateResult", "order-2", true]
        ]
      )
    })
  )
  it(
    "a result or a release repeated under its key is answered as it was, and another input under it is refused",
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const ways = [
        (claim: Claim) => sessions.completeTask(callers.integrator, { ...claim, orderId: "order-1" }),
        (claim: Claim) => sessions.failTask(callers.integrator, { ...claim, code: "NO_STOCK" }),
        (claim: Claim) => sessions.releaseClaim(callers.admin, { ...claim, reason: "stuck" })
      ]
      for (const way of ways) {
        const { checkoutSessionId, operationId } = yield* claimed
        const keyed = { checkoutSessionId, operationId, idempotencyKey: "k1" }
        const first = yield* way(keyed)
        assert.isFalse(first.replayed)
        yield* sessions.cancel(callers.admin, { checkoutSessionId })
        assert.deepStrictEqual(yield* way(keyed), { ...first, replayed: true })
        const other = yield* Effect.flip(way({ ...keyed, operationId: "op_other" }))
        assert.strictEqual(other._tag, "IdempotencyConflict")
      }
    })
  )
  it(
    "a result or a release that expects another version is refused with the present one, and the claim stays",
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const ways = [
        (claim: Expecting) => sessions.completeTask(callers.integrator, claim),
        (claim: Expecting) => sessions.failTask(callers.integrator, { ...claim, code: "NO_STOCK" }),
        (claim: Expecting) => sessions.releaseClaim(callers.admin, { ...claim, reason: "stuck" })
      ]
      for (const way of ways) {
        const { checkoutSessionId, operationId, session } = yield* claimed
        for (const expectedVersion of [session.version - 1, session.version + 1]) {
          const stale = yield* Effect.flip(way({ checkoutSessionId, operationId, expectedVersion }))
          assert.deepInclude(stale, { _tag: "ExpectedStateMismatch", applied: "no" })
          assert.deepStrictEqual("current" in stale && stale.current, CheckoutSession.currentOf(session))
        }
        const odd = yield* Effect.flip(way({ checkoutSessionId, operationId, expectedVersion: 0 }))
        assert.strictEqual(odd._tag, "InvalidInput")
        assert.deepStrictEqual(yield* sessions.get(callers.admin, { checkoutSessionId }), session)
        const closed = yield* way({ checkoutSessionId, operationId, expectedVersion: session.version })
        assert.deepInclude(closed.session, { version: session.version + 1, isProcessing: false })
      }
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
      assert.deepStrictEqual(yield* sessions.failTask(callers.integrator, failed), { replayed: true, session })
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
    "a released claim leaves the session in its state, and a success that comes later is kept and moves nothing",
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const { checkoutSessionId, operationId, session: before } = yield* claimed
      const claimedKey = before.workKey
      const released = { checkoutSessionId, operationId, reason: "stuck" }
      const { session } = yield* sessions.releaseClaim(callers.admin, released)
      assert.deepInclude(session, { state: "Shipping Address", nextState: null, isProcessing: false, version: 4 })
      const late = yield* Effect.flip(sessions.completeTask(callers.integrator, { checkoutSessionId, operationId }))
      assert.deepInclude(late, { _tag: "OperationNotCurrent", reason: "OPERATION_RELEASED", recorded: true })
      const retry = { checkoutSessionId, ...steps[1]! }
      const claim = yield* sessions.update(callers.buyer, retry)
      assert.deepInclude(claim.session, { isProcessing: true, workKey: claimedKey, version: 6 })
      assert.notStrictEqual(claim.session.operationId, operationId)
      assert.deepStrictEqual(CheckoutSession.violations(claim.session), [])
    })
  )
  it(
    "a cancel beats a result that comes later: a success is kept with its order, and the archived session stays as it is",
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const { checkoutSessionId, operationId } = yield* claimed
      const { session } = yield* sessions.cancel(callers.buyer, { checkoutSessionId })
      assert.deepInclude(session, { isArchived: true, isProcessing: false, nextState: null, operationId: null })
      const result = { checkoutSessionId, operationId, orderId: "order-1" }
      for (let again = 0; again < 2; again++) {
        const late = yield* Effect.flip(sessions.completeTask(callers.integrator, result))
        assert.deepInclude(late, { _tag: "OperationNotCurrent", reason: "OPERATION_CANCELLED", recorded: true })
        assert.deepStrictEqual("current" in late && late.current, CheckoutSession.currentOf(session!))
      }
      assert.deepStrictEqual(yield* sessions.get(callers.admin, { checkoutSessionId }), session)
      const history = yield* sessions.history(callers.admin, { checkoutSessionId, afterVersion: 2 })
      assert.deepStrictEqual(
        history.map(({ orderId, type, version }) => [type, orderId, version]),
        [
          ["Claimed", null, 3],
          ["Cancelled", null, 4],
          ["LateResult", "order-1", 4]
        ]
      )
      assert.deepInclude(history[2], {
        operationId,
        by: "integrator",
        workKey: history[0]!.workKey,
        from: "Shipping Address"
      })
    })
  )
}
