/**
 * CheckoutSuiteFlows: features of a flow beyond its transitions: work for some of them only, results that choose the
 * next state, and states that proceed. Source: CONTRACT §1 and §2.
 */
import { assert } from "@effect/vitest"
import { CheckoutSession, Flow } from "@onelane/checkout"
import { Effect } from "effect"
import { type CheckoutIt, callers, makeWorld, openedWorld, Sessions } from "./CheckoutWorld.js"

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

/** `Stock` and `Price` have external work, and both, and `Between`, proceed automatically. */
export const chaining: Flow.Flow = Flow.defineFlow({
  name: "chaining",
  initial: "Start",
  transitions: {
    Start: ["Stock"],
    Stock: ["Between", "Screen"],
    Between: ["Price"],
    Price: ["Screen"],
    Screen: ["Done"],
    Done: []
  },
  proceed: { Stock: "Between", Between: "Price", Price: "Screen" },
  tasks: { Stock: {}, Price: {} }
})

const begun = Effect.gen(function* () {
  const sessions = yield* Sessions
  const world = yield* openedWorld
  const { checkoutSessionId } = world
  const update = { checkoutSessionId, expCurrentState: "Start", nextState: "Stock", idempotencyKey: "k1" }
  const first = yield* sessions.update(callers.buyer, update)
  const complete = (operationId: string | null, more: { readonly next?: string } = {}) =>
    sessions.completeTask(callers.integrator, { checkoutSessionId, operationId: operationId!, ...more })
  const get = sessions.get(callers.admin, { checkoutSessionId })
  const last = Effect.map(
    sessions.history(callers.admin, { checkoutSessionId }),
    (entries) => entries[entries.length - 1]!
  )
  return { ...world, sessions, checkoutSessionId, update, first, complete, get, last }
})

/** Registers the tests of states that proceed. */
export const chains = (it: CheckoutIt): void => {
  it(
    "one update runs all background states to the next screen: one commit, one version and one entry a step",
    Effect.gen(function* () {
      const { complete, first, sessions, checkoutSessionId } = yield* begun
      const { operationId, workKey } = first.session
      const lastRequestId = first.requestId
      assert.deepInclude(first.session, { state: "Stock", nextState: "Between", isProcessing: true, version: 2 })
      const second = (yield* complete(operationId)).session
      const claim = { state: "Price", nextState: "Screen", isProcessing: true, version: 3, lastRequestId }
      assert.deepInclude(second, claim)
      assert.notStrictEqual(second.operationId, operationId)
      assert.notStrictEqual(second.workKey, workKey)
      const third = (yield* complete(second.operationId)).session
      assert.deepInclude(third, { state: "Screen", nextState: null, isProcessing: false, version: 4, lastRequestId })
      for (const session of [first.session, second, third])
        assert.deepStrictEqual(CheckoutSession.violations(session), [])
      const history = yield* sessions.history(callers.admin, { checkoutSessionId })
      assert.deepStrictEqual(
        history.map(({ followUp, from, passedThrough, to, type, version }) => {
          return { version, type, from, passedThrough, to, followUp }
        }),
        [
          { version: 1, type: "Opened", from: null, passedThrough: [], to: "Start", followUp: null },
          {
            ...{ version: 2, type: "Updated", from: "Start", passedThrough: [], to: "Stock" },
            followUp: { operationId: operationId!, workKey: workKey!, nextState: "Between" }
          },
          {
            ...{ version: 3, type: "TaskCompleted", from: "Stock", passedThrough: ["Between"], to: "Price" },
            followUp: { operationId: second.operationId!, workKey: second.workKey!, nextState: "Screen" }
          },
          { version: 4, type: "TaskCompleted", from: "Price", passedThrough: [], to: "Screen", followUp: null }
        ]
      )
    })
  )
  it(
    "a key, and a repeated result, are answered as they were, also when the session has gone on by itself",
    Effect.gen(function* () {
      const { complete, first, get, sessions, update } = yield* begun
      const second = yield* complete(first.session.operationId)
      assert.deepStrictEqual(yield* sessions.update(callers.buyer, update), { ...first, replayed: true })
      assert.deepStrictEqual(yield* complete(first.session.operationId), { ...second, replayed: true })
      const contrary = yield* Effect.flip(complete(first.session.operationId, { next: "Screen" }))
      assert.deepInclude(contrary, { _tag: "OperationNotCurrent", reason: "OPERATION_LATE" })
      assert.deepStrictEqual(yield* get, second.session)
    })
  )
  it(
    "the next state that a result chooses goes before the one the state proceeds to",
    Effect.gen(function* () {
      const { complete, first } = yield* begun
      const { session } = yield* complete(first.session.operationId, { next: "Screen" })
      assert.deepInclude(session, { state: "Screen", isProcessing: false, version: 3 })
    })
  )
  it(
    "a failure in the middle leads to Error, and a way back goes on from there at once, under the same work key",
    Effect.gen(function* () {
      const { checkoutSessionId, complete, first, sessions } = yield* begun
      const { operationId, workKey } = (yield* complete(first.session.operationId)).session
      const failure = { checkoutSessionId, operationId: operationId!, code: "NO_PRICE" }
      const { session: failed } = yield* sessions.failTask(callers.integrator, failure)
      assert.deepInclude(failed, { state: "Error", isError: true, isProcessing: false, version: 4 })
      const retry = { checkoutSessionId, expCurrentState: "Error", nextState: "Price" }
      const { session } = yield* sessions.update(callers.buyer, retry)
      assert.deepInclude(session, { state: "Price", nextState: "Screen", isProcessing: true, version: 5, workKey })
      assert.notStrictEqual(session.operationId, operationId)
      assert.strictEqual((yield* complete(session.operationId)).session.state, "Screen")
    })
  )
  it(
    "a release in the middle leaves the session there, free, until somebody moves it on; so does a cancel, for good",
    Effect.gen(function* () {
      const { checkoutSessionId, complete, first, get, sessions } = yield* begun
      const { operationId } = (yield* complete(first.session.operationId)).session
      const release = { checkoutSessionId, operationId: operationId!, reason: "stuck" }
      const { session } = yield* sessions.releaseClaim(callers.admin, release)
      assert.deepInclude(session, { state: "Price", isProcessing: false, nextState: null, version: 4 })
      const edit = { checkoutSessionId, expCurrentState: "Price", nextState: "Price", expectedVersion: 4 }
      assert.isFalse((yield* sessions.update(callers.buyer, edit)).session.isProcessing)
      const on = { checkoutSessionId, expCurrentState: "Price", nextState: "Screen" }
      assert.deepInclude((yield* sessions.update(callers.buyer, on)).session, { state: "Price", nextState: "Screen" })
      yield* sessions.cancel(callers.buyer, { checkoutSessionId })
      assert.deepInclude(yield* get, { state: "Price", isArchived: true, closedBy: "CANCELLED", isProcessing: false })
    })
  )
  it(
    "a session does not go on by itself while its cart may not be updated; the history says why",
    Effect.gen(function* () {
      const { checkoutSessionId, complete, first, last, sessions, setCartStatus } = yield* begun
      yield* setCartStatus("Closed")
      const { session } = yield* complete(first.session.operationId)
      assert.deepInclude(session, { state: "Between", isProcessing: false, version: 3 })
      assert.deepInclude(yield* last, {
        to: "Between",
        reason: "CART_NOT_UPDATABLE",
        passedThrough: [],
        followUp: null
      })
      yield* setCartStatus("Active")
      const on = { checkoutSessionId, expCurrentState: "Between", nextState: "Price" }
      assert.deepInclude((yield* sessions.update(callers.buyer, on)).session, { state: "Price", isProcessing: true })
    })
  )
  it(
    "a session that is opened in a state that proceeds goes on at once",
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const { cartId } = yield* makeWorld
      const opened = yield* sessions.open(callers.buyer, { cartId, initialState: "Between", idempotencyKey: "k1" })
      const { id: checkoutSessionId, operationId } = opened.session
      assert.deepInclude(opened.session, { state: "Price", nextState: "Screen", isProcessing: true, version: 1 })
      assert.deepStrictEqual(CheckoutSession.violations(opened.session), [])
      const [entry] = yield* sessions.history(callers.admin, { checkoutSessionId })
      assert.deepInclude(entry, { type: "Opened", to: "Price", passedThrough: ["Between"] })
      const result = { checkoutSessionId, operationId: operationId! }
      assert.strictEqual((yield* sessions.completeTask(callers.integrator, result)).session.state, "Screen")
      const again = yield* sessions.open(callers.buyer, { cartId, initialState: "Between", idempotencyKey: "k1" })
      assert.deepStrictEqual(again, { ...opened, replayed: true })
    })
  )
}
