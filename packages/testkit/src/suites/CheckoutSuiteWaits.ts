/**
 * CheckoutSuiteWaits: calls that wait for the work they start, as `CheckoutSuite` runs them. The host works on
 * `Shipping Address`. Source: CONTRACT §2.
 */
import { assert } from "@effect/vitest"
import { type CheckoutSession, type CheckoutSessions, CheckoutSession as Session } from "@onelane/checkout"
import { Directory } from "@onelane/directory"
import { Effect, Fiber } from "effect"
import { type CheckoutIt, callers, elapse, openedWorld, Sessions, steps } from "./CheckoutWorld.js"

const nextTick: Effect.Effect<void> = Effect.async((resume) => void setImmediate(() => resume(Effect.void)))

const wait = { wait: "screen", waitMillis: 20_000 } as const

/** A session in `Shipping Address`, and the update whose work the host does. */
const ready = Effect.gen(function* () {
  const sessions = yield* Sessions
  const world = yield* openedWorld
  const { checkoutSessionId } = world
  const { session } = yield* sessions.update(callers.buyer, { checkoutSessionId, ...steps[0]! })
  return { ...world, session, update: { checkoutSessionId, ...steps[1]! } }
})

/** Polls until the session is claimed. */
const claimed = (checkoutSessionId: string) =>
  Effect.gen(function* () {
    const sessions = yield* Sessions
    for (;;) {
      const session = yield* sessions.get(callers.admin, { checkoutSessionId })
      if (session.isProcessing) return { session, operation: { checkoutSessionId, operationId: session.operationId! } }
      yield* nextTick
    }
  })

/** A waiting update, and its claim. */
const waiting = (more: Partial<CheckoutSessions.UpdateInput> = {}, wanted: CheckoutSessions.Wait = wait) =>
  Effect.gen(function* () {
    const sessions = yield* Sessions
    const world = yield* ready
    const update = { ...world.update, ...more }
    const fiber = yield* Effect.fork(sessions.update(callers.buyer, update, wanted))
    return { ...world, ...(yield* claimed(world.checkoutSessionId)), update, answer: Fiber.join(fiber) }
  })

/** Registers the tests of waits. */
export const waits = (it: CheckoutIt, live: boolean): void => {
  arriving(it)
  notArriving(it, live)
  repeating(it)
}

const arriving = (it: CheckoutIt): void => {
  it(
    "an update that waits is answered in the state that its work led to",
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const { answer, operation, session } = yield* waiting()
      const done = yield* sessions.completeTask(callers.integrator, { ...operation, orderId: "order-1" })
      const updated = yield* answer
      assert.deepStrictEqual(updated, {
        requestId: session.lastRequestId!,
        replayed: false,
        session: done.session,
        arrived: true
      })
      assert.deepInclude(updated.session, { state: "Inventory", isProcessing: false, orderId: "order-1" })
    })
  )
  it(
    "a wait ends with the work, however it ends: failed, released or cancelled",
    Effect.gen(function* () {
      const sessions = yield* Sessions
      type Operation = Effect.Effect.Success<ReturnType<typeof claimed>>["operation"]
      const ends: ReadonlyArray<
        [(operation: Operation) => Effect.Effect<unknown, unknown>, Partial<CheckoutSession.CheckoutSession>]
      > = [
        [
          (one) => sessions.failTask(callers.integrator, { ...one, code: "NO_STOCK" }),
          { state: "Error", isError: true }
        ],
        [(one) => sessions.releaseClaim(callers.admin, { ...one, reason: "stuck" }), { state: "Shipping Address" }],
        [({ checkoutSessionId }) => sessions.cancel(callers.admin, { checkoutSessionId }), { closedBy: "CANCELLED" }]
      ]
      for (const [end, expected] of ends) {
        const { answer, operation, session } = yield* waiting()
        yield* end(operation)
        const updated = yield* answer
        assert.deepInclude(updated, { arrived: true, replayed: false })
        assert.deepInclude(updated.session, { ...expected, isProcessing: false, version: session.version + 1 })
        assert.deepStrictEqual(Session.violations(updated.session), [])
      }
    })
  )
  it(
    "nothing is waited for where no work runs, and an answer says nothing of it where nobody waits",
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const { cartId, checkoutSessionId } = yield* openedWorld
      const moved = yield* sessions.update(callers.buyer, { checkoutSessionId, ...steps[0]! }, wait)
      assert.deepInclude(moved, { arrived: true })
      assert.deepInclude(moved.session, { state: "Shipping Address", version: 2 })
      assert.deepStrictEqual((yield* sessions.open(callers.buyer, { cartId }, wait)).session, moved.session)
      assert.deepStrictEqual(yield* sessions.get(callers.buyer, { checkoutSessionId }, wait), moved.session)
      const claim = yield* sessions.update(callers.buyer, { checkoutSessionId, ...steps[1]! })
      assert.notProperty(claim, "arrived")
    })
  )
  it(
    "open, get and completeTask wait as well, a get also for the next state after a version",
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const { answer, cartId, checkoutSessionId, operation, session } = yield* waiting()
      const others = yield* Effect.fork(
        Effect.all(
          [
            Effect.map(sessions.open(callers.buyer, { cartId }, wait), (opened) => opened.session),
            sessions.get(callers.buyer, { checkoutSessionId }, wait),
            sessions.get(callers.colleague, { checkoutSessionId }, { ...wait, afterVersion: session.version })
          ],
          { concurrency: "unbounded" }
        )
      )
      for (let turns = 0; turns < 20; turns++) yield* nextTick
      const done = yield* sessions.completeTask(callers.integrator, operation, wait)
      assert.deepInclude(done, { arrived: true })
      assert.deepStrictEqual((yield* answer).session, done.session)
      for (const seen of yield* Fiber.join(others)) assert.deepStrictEqual(seen, done.session)
      const next = { checkoutSessionId, expCurrentState: "Inventory", nextState: "Confirm Price" }
      const moved = yield* sessions.update(callers.buyer, next)
      const past = { ...wait, afterVersion: session.version }
      assert.deepInclude(yield* sessions.get(callers.buyer, { checkoutSessionId }, past), { state: "Inventory" })
      assert.deepStrictEqual(yield* sessions.get(callers.buyer, { checkoutSessionId }, wait), moved.session)
    })
  )
}

const pause = Effect.promise(() => new Promise((resume) => setImmediate(resume)))

const notArriving = (it: CheckoutIt, live: boolean): void => {
  it(
    "a wait whose time is over is answered with the accepted update, and the work goes on",
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const { answer, operation, session } = yield* waiting({}, { wait: "screen", waitMillis: 60 })
      // The wait begins some time after the update was seen.
      const updated = yield* Effect.raceFirst(answer, Effect.forever(Effect.zipRight(elapse(60, live), pause)))
      assert.deepStrictEqual(updated, {
        requestId: session.lastRequestId!,
        replayed: false,
        session,
        arrived: false
      })
      const { session: done } = yield* sessions.completeTask(callers.integrator, operation)
      assert.deepInclude(done, { state: "Inventory" })
    })
  )
  it(
    "nothing is shown to a caller who lost the right while it waited; its update stays accepted",
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const directory = yield* Directory.Directory
      const { accountId, answer, operation, session } = yield* waiting()
      yield* directory.removeAccountMember(accountId, callers.buyer.userId)
      yield* sessions.completeTask(callers.integrator, operation)
      const updated = yield* answer
      assert.deepStrictEqual(updated, { requestId: session.lastRequestId!, replayed: false, session, arrived: false })
    })
  )
  it(
    "a wait that is malformed is refused, and nothing is written",
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const { checkoutSessionId, session, update } = yield* ready
      const odd: ReadonlyArray<[unknown, string]> = [
        [{ wait: "forever" }, "wait"],
        [{ waitMillis: 10 }, "wait"],
        [{ ...wait, waitMillis: 0 }, "waitMillis"],
        [{ ...wait, waitMillis: 60_001 }, "waitMillis"],
        [{ ...wait, waitMillis: "10" }, "waitMillis"],
        [{ ...wait, waitMillis: 1.5 }, "waitMillis"],
        [{ ...wait, millis: 10 }, "millis"],
        [{ ...wait, afterVersion: -1 }, "afterVersion"]
      ]
      for (const [given, field] of odd) {
        const refused = yield* Effect.flip(sessions.update(callers.buyer, update, given as CheckoutSessions.Wait))
        assert.deepInclude(refused, { _tag: "InvalidInput", applied: "no", fields: [field] }, JSON.stringify(given))
        const unread = sessions.get(callers.buyer, { checkoutSessionId }, given as CheckoutSessions.Wait)
        assert.deepInclude(yield* Effect.flip(unread), { _tag: "InvalidInput", fields: [field] })
      }
      const past = { ...wait, afterVersion: 1 }
      assert.deepInclude(yield* Effect.flip(sessions.update(callers.buyer, update, past)), { fields: ["afterVersion"] })
      assert.deepStrictEqual(yield* sessions.get(callers.admin, { checkoutSessionId }), session)
    })
  )
  it(
    "a refused update does not wait",
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const { answer, operation, update } = yield* waiting()
      const refused = yield* Effect.flip(sessions.update(callers.buyer, update, wait))
      assert.deepInclude(refused, { _tag: "SessionProcessing", applied: "no" })
      yield* sessions.completeTask(callers.integrator, operation)
      yield* answer
    })
  )
}

const repeating = (it: CheckoutIt): void => {
  it(
    "an update repeated under its key waits for the same arrival, and shows it though the session has gone on",
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const { answer, checkoutSessionId, operation, update } = yield* waiting({ idempotencyKey: "k1" })
      const again = yield* Effect.fork(sessions.update(callers.buyer, update, wait))
      for (let turns = 0; turns < 20; turns++) yield* nextTick
      const { session } = yield* sessions.completeTask(callers.integrator, operation)
      const first = yield* answer
      assert.deepStrictEqual(first.session, session)
      assert.deepStrictEqual(yield* Fiber.join(again), { ...first, replayed: true })
      const next = { checkoutSessionId, expCurrentState: "Inventory", nextState: "Confirm Price" }
      yield* sessions.update(callers.buyer, next)
      assert.deepStrictEqual(yield* sessions.update(callers.buyer, update, wait), { ...first, replayed: true })
      yield* sessions.cancel(callers.buyer, { checkoutSessionId })
      assert.deepStrictEqual(yield* sessions.update(callers.buyer, update, wait), { ...first, replayed: true })
      const plain = yield* sessions.update(callers.buyer, update)
      assert.deepInclude(plain.session, { isProcessing: true, version: session.version - 1 })
    })
  )
}
