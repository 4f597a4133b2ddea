/**
 * CheckoutSuiteFlows: what a flow says beyond its transitions: work for some of them only, and results that choose where a
 * session goes. Source: CONTRACT §1 and §2.
 */
import { assert } from "@effect/vitest"
import { CheckoutSession, Flow } from "@onelane/checkout"
import { Effect } from "effect"
import { type CheckoutIt, callers, openedWorld, Sessions } from "./CheckoutWorld.js"

/** The host works on `Ready`, but not where an update leads back to `Edit`. */
export const choosing: Flow.Flow = Flow.defineFlow({
  name: "choosing",
  initial: "Edit",
  transitions: { Edit: ["Ready"], Ready: ["Edit", "Authorised", "Paid"], Authorised: ["Paid"], Paid: [] },
  tasks: { Ready: { nextStates: ["Authorised", "Paid"] } }
})

const toReady = Effect.gen(function* () {
  const sessions = yield* Sessions
  const { checkoutSessionId } = yield* openedWorld
  yield* sessions.update(callers.buyer, { checkoutSessionId, expCurrentState: "Edit", nextState: "Ready" })
  return { sessions, checkoutSessionId }
})

/** A session in `Ready`, claimed on its way to `Authorised`. */
const claimed = Effect.gen(function* () {
  const { checkoutSessionId, sessions } = yield* toReady
  const update = { checkoutSessionId, expCurrentState: "Ready", nextState: "Authorised" }
  const { session } = yield* sessions.update(callers.buyer, update)
  return { checkoutSessionId, sessions, session, operationId: session.operationId! }
})

/** Registers the tests of results that choose. */
export const choices = (it: CheckoutIt): void => {
  it(
    "an update to a state that a task is not for runs no work",
    Effect.gen(function* () {
      const { checkoutSessionId, sessions } = yield* toReady
      const back = { checkoutSessionId, expCurrentState: "Ready", nextState: "Edit" }
      const { session } = yield* sessions.update(callers.buyer, back)
      assert.deepInclude(session, { state: "Edit", isProcessing: false, version: 3 })
    })
  )
  it(
    "a result moves the session to the state it chooses, which may be the last",
    Effect.gen(function* () {
      const { checkoutSessionId, operationId, sessions } = yield* claimed
      const result = { checkoutSessionId, operationId, orderId: "order-1", next: "Paid" }
      const answer = yield* sessions.completeTask(callers.integrator, result)
      assert.deepInclude(answer.session, { state: "Paid", isArchived: true, closedBy: "COMPLETED", orderId: "order-1" })
      assert.deepStrictEqual(yield* sessions.completeTask(callers.integrator, result), { ...answer, replayed: true })
      const history = yield* sessions.history(callers.admin, { checkoutSessionId, afterVersion: 2 })
      assert.deepStrictEqual(
        history.map(({ to, type }) => [type, to]),
        [
          ["Claimed", "Authorised"],
          ["TaskCompleted", "Paid"]
        ]
      )
    })
  )
  it(
    "a repeated result that chooses another state is late, and changes nothing",
    Effect.gen(function* () {
      const { checkoutSessionId, operationId, sessions } = yield* claimed
      const result = { checkoutSessionId, operationId, orderId: "order-1" }
      const first = yield* sessions.completeTask(callers.integrator, result)
      const other = yield* Effect.flip(sessions.completeTask(callers.integrator, { ...result, next: "Paid" }))
      assert.deepInclude(other, { _tag: "OperationNotCurrent", reason: "OPERATION_LATE", recorded: true })
      const same = yield* sessions.completeTask(callers.integrator, { ...result, next: "Authorised" })
      assert.deepStrictEqual(same, { ...first, replayed: true })
      assert.deepStrictEqual(yield* sessions.get(callers.admin, { checkoutSessionId }), first.session)
    })
  )
  it(
    "a result that chooses a state that may not follow is refused, and the claim stays",
    Effect.gen(function* () {
      const { checkoutSessionId, operationId, session, sessions } = yield* claimed
      const result = { checkoutSessionId, operationId, orderId: "order-1", idempotencyKey: "k1" }
      const astray = yield* Effect.flip(sessions.completeTask(callers.integrator, { ...result, next: "Ready" }))
      const current = CheckoutSession.currentOf(session)
      const allowed = ["Edit", "Authorised", "Paid"]
      assert.deepInclude(astray, { _tag: "TransitionNotAllowed", applied: "no", allowed, current })
      for (const next of ["Nowhere", "Error"]) {
        const unknown = yield* Effect.flip(sessions.completeTask(callers.integrator, { ...result, next }))
        assert.deepInclude(unknown, { _tag: "InvalidState", fields: ["next"], applied: "no" })
      }
      for (const next of [7, "", "x".repeat(31)]) {
        const odd = yield* Effect.flip(sessions.completeTask(callers.integrator, { ...result, next } as never))
        assert.deepInclude(odd, { _tag: "InvalidInput", fields: ["next"] })
      }
      assert.deepStrictEqual(yield* sessions.get(callers.admin, { checkoutSessionId }), session)
      const { session: back } = yield* sessions.completeTask(callers.integrator, { ...result, next: "Edit" })
      assert.deepInclude(back, { state: "Edit", orderId: "order-1", isProcessing: false })
    })
  )
}
