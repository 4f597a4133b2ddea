/**
 * CheckoutSuiteLifetime: how a session ends (cancel, expiry) and how it is watched (history, changes), as
 * `CheckoutSuite` runs them.
 */
import { assert } from "@effect/vitest"
import { type CheckoutError, CheckoutSession } from "@onelane/checkout"
import { Chunk, Effect, Stream } from "effect"
import {
  type CheckoutIt,
  callers,
  elapse,
  makeWorld,
  openedWorld,
  path,
  Sessions,
  steps,
  walkTo
} from "./CheckoutWorld.js"

/** Registers the tests of how a session ends. */
export const leaving = (it: CheckoutIt, live: boolean): void => {
  it(
    "cancel archives the session and frees the cart for a new one",
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const { cartId, checkoutSessionId } = yield* openedWorld
      const { session } = yield* sessions.cancel(callers.buyer, { checkoutSessionId })
      assert.deepInclude(session, { isArchived: true, state: "Start", version: 2 })
      const again = yield* Effect.flip(sessions.cancel(callers.buyer, { checkoutSessionId }))
      assert.deepInclude(again, { _tag: "SessionClosed", reason: "CANCELLED", applied: "no" })
      const next = yield* sessions.open(callers.buyer, { cartId })
      assert.isTrue(next.created)
      assert.notStrictEqual(next.session.id, checkoutSessionId)
    })
  )
  it(
    "cancel finds the live session of a cart, and keeps to an expected version",
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const { cartId, checkoutSessionId } = yield* openedWorld
      const stale = yield* Effect.flip(sessions.cancel(callers.buyer, { cartId, expectedVersion: 7 }))
      assert.deepInclude(stale, { _tag: "ExpectedStateMismatch", reason: "VERSION_MISMATCH" })
      const { session } = yield* sessions.cancel(callers.buyer, { cartId, expectedVersion: 1 })
      assert.strictEqual(session?.id, checkoutSessionId)
    })
  )
  it(
    "a cart that was ordered is not opened again, unless somebody asks for a second order",
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const { cartId, checkoutSessionId } = yield* openedWorld
      const session = (yield* walkTo(checkoutSessionId, "Complete")).at(-1)!.session
      assert.deepInclude(session, { closedBy: "COMPLETED", isArchived: true })
      for (const more of [{}, { checkoutSessionId }, { checkoutSessionId, again: true }, { again: false }]) {
        const refused = yield* Effect.flip(sessions.open(callers.buyer, { cartId, ...more }))
        assert.deepInclude(refused, {
          _tag: "SessionClosed",
          reason: "COMPLETED",
          checkoutSessionId,
          orderId: null,
          applied: "no"
        })
        assert.deepStrictEqual("current" in refused && refused.current, CheckoutSession.currentOf(session))
      }
      const second = yield* sessions.open(callers.buyer, { cartId, again: true })
      assert.deepInclude(second, { created: true })
      assert.notStrictEqual(second.session.id, checkoutSessionId)
      for (const more of [{}, { again: true }]) {
        const live = yield* sessions.open(callers.buyer, { cartId, ...more })
        assert.deepStrictEqual([live.created, live.session.id], [false, second.session.id])
      }
      yield* sessions.cancel(callers.buyer, { cartId })
      assert.isTrue((yield* sessions.open(callers.buyer, { cartId })).created)
    })
  )
  it(
    "of many who order a completed cart again at once, one opens a new session and all get it",
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const { cartId, checkoutSessionId } = yield* openedWorld
      yield* walkTo(checkoutSessionId, "Complete")
      const opened = yield* Effect.all(
        Array.from({ length: 8 }, () => sessions.open(callers.buyer, { cartId, again: true })),
        { concurrency: "unbounded" }
      )
      assert.strictEqual(opened.filter(({ created }) => created).length, 1)
      assert.strictEqual(new Set(opened.map(({ session }) => session.id)).size, 1)
    })
  )
  it(
    "an id of the host's own: what became of this cart's session is told, and another cart's is taken",
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const { cartId } = yield* makeWorld
      const own = { cartId, checkoutSessionId: `own-${cartId}` }
      const other = { cartId, checkoutSessionId: `other-${cartId}` }
      const foreign = yield* openedWorld
      yield* sessions.open(callers.buyer, own)
      yield* sessions.cancel(callers.buyer, { cartId })
      const cancelled = yield* Effect.flip(sessions.open(callers.buyer, own))
      assert.deepInclude(cancelled, {
        _tag: "SessionClosed",
        reason: "CANCELLED",
        checkoutSessionId: own.checkoutSessionId
      })
      yield* sessions.open(callers.buyer, other)
      yield* walkTo(other.checkoutSessionId, "Complete")
      const taken = yield* Effect.flip(
        sessions.open(callers.buyer, { cartId, checkoutSessionId: foreign.checkoutSessionId, again: true })
      )
      assert.deepInclude(taken, { _tag: "InvalidInput", applied: "no" })
      assert.deepInclude(yield* Effect.flip(sessions.open(callers.buyer, { ...own, again: true })), {
        reason: "CANCELLED"
      })
      // The cart is ordered all the same.
      const refused = yield* Effect.flip(sessions.open(callers.buyer, { cartId }))
      assert.deepInclude(refused, { reason: "COMPLETED", checkoutSessionId: other.checkoutSessionId })
      assert.deepInclude(yield* Effect.flip(sessions.open(callers.buyer, other)), { reason: "COMPLETED" })
    })
  )
  it(
    "nothing to cancel is a success for a cart the caller may see: no session yet, or cancelled already",
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const { cartId } = yield* makeWorld
      const nothing = yield* sessions.cancel(callers.buyer, { cartId })
      assert.isNull(nothing.session)
      assert.isAbove(nothing.requestId.length, 0)
      const { session } = yield* sessions.open(callers.buyer, { cartId })
      assert.strictEqual((yield* sessions.cancel(callers.buyer, { cartId })).session?.id, session.id)
      assert.isNull((yield* sessions.cancel(callers.buyer, { cartId, expectedVersion: 1 })).session)
      assert.strictEqual((yield* sessions.get(callers.admin, { checkoutSessionId: session.id })).version, 2)
      const missing = yield* Effect.flip(sessions.cancel(callers.stranger, { cartId: "no-such-cart" }))
      assert.strictEqual(missing._tag, "SessionInaccessible")
      assert.deepStrictEqual(yield* Effect.flip(sessions.cancel(callers.stranger, { cartId })), missing)
      assert.deepStrictEqual(yield* Effect.flip(sessions.cancel(callers.admin, { cartId: "no-such-cart" })), missing)
      assert.strictEqual((yield* Effect.flip(sessions.cancel(callers.nobody, { cartId })))._tag, "ActionNotPermitted")
    })
  )
  it(
    "a cart that was ordered, and one whose session expired, are not cancelled",
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const { cartId, checkoutSessionId } = yield* openedWorld
      yield* walkTo(checkoutSessionId, "Complete")
      const ordered = yield* Effect.flip(sessions.cancel(callers.buyer, { cartId }))
      assert.deepInclude(ordered, { _tag: "SessionClosed", reason: "COMPLETED", checkoutSessionId })
      const world = yield* makeWorld
      const { session } = yield* sessions.open(callers.buyer, { cartId: world.cartId, expiresInMillis: 300 })
      yield* elapse(400, live)
      for (const named of [{ cartId: world.cartId }, { checkoutSessionId: session.id }])
        assert.deepInclude(yield* Effect.flip(sessions.cancel(callers.buyer, named)), { reason: "EXPIRED" })
    })
  )
  it(
    "an expired session is closed, and does not block its cart",
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const { cartId } = yield* makeWorld
      const { session } = yield* sessions.open(callers.buyer, { cartId, expiresInMillis: 300 })
      assert.strictEqual(session.expiresAt, session.createdAt + 300)
      yield* elapse(400, live)
      const late = yield* Effect.flip(
        sessions.update(callers.buyer, {
          checkoutSessionId: session.id,
          expCurrentState: "Start",
          nextState: "Inventory"
        })
      )
      assert.strictEqual(late._tag, "SessionClosed")
      const next = yield* sessions.open(callers.buyer, { cartId })
      assert.isTrue(next.created)
      assert.notStrictEqual(next.session.id, session.id)
    })
  )
}

/** Registers the tests of history and changes. */
export const watching = (it: CheckoutIt): void => {
  it(
    "history tells every change in order, in pages",
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const { checkoutSessionId } = yield* openedWorld
      const [first, second] = yield* walkTo(checkoutSessionId, "Inventory")
      yield* sessions.cancel(callers.buyer, { checkoutSessionId })
      const history = yield* sessions.history(callers.buyer, { checkoutSessionId })
      assert.deepStrictEqual(
        history.map(({ from, to, type, version }) => ({ version, type, from, to })),
        [
          { version: 1, type: "Opened", from: null, to: "Start" },
          { version: 2, type: "Updated", from: "Start", to: "Shipping Address" },
          { version: 3, type: "Updated", from: "Shipping Address", to: "Inventory" },
          { version: 4, type: "Cancelled", from: "Inventory", to: null }
        ]
      )
      assert.deepStrictEqual(
        history.slice(1, 3).map(({ by, requestId }) => ({ by, requestId })),
        [first!, second!].map(({ requestId }) => ({ by: "buyer", requestId }))
      )
      const page = yield* sessions.history(callers.buyer, { checkoutSessionId, afterVersion: 1, limit: 2 })
      assert.deepStrictEqual(page, history.slice(1, 3))
    })
  )
  it(
    "changes give what was and what comes, without gap or duplicate, and end with the session",
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const { checkoutSessionId } = yield* openedWorld
      yield* walkTo(checkoutSessionId, "Shipping Address")
      const seen: Array<number> = []
      yield* sessions.changes(callers.buyer, { checkoutSessionId, afterVersion: 0 }).pipe(
        Stream.tap(({ version }) => {
          seen.push(version)
          return version === 2 ? Effect.fork(walkRest(checkoutSessionId)) : Effect.void
        }),
        Stream.runDrain
      )
      assert.deepStrictEqual(
        seen,
        path.map((_, index) => index + 1)
      )
    })
  )
  it(
    "history and changes after a version the session has not reached are refused at once, with the present one",
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const { checkoutSessionId } = yield* openedWorld
      yield* walkTo(checkoutSessionId, "Inventory")
      const refused = (afterVersion: number, version: number, caller = callers.buyer) =>
        Effect.gen(function* () {
          const from = { checkoutSessionId, afterVersion }
          for (const asked of [sessions.history(caller, from), Stream.runDrain(sessions.changes(caller, from))]) {
            const error = yield* Effect.flip(asked as Effect.Effect<unknown, CheckoutError.HistoryError>)
            assert.deepInclude(error, {
              _tag: "VersionAhead",
              reason: "VERSION_AHEAD",
              applied: "no",
              retryable: false
            })
            assert.deepInclude("current" in error && error.current, { version })
          }
        })
      yield* refused(4, 3)
      yield* refused(999_999_999_999, 3)
      assert.deepStrictEqual(yield* sessions.history(callers.buyer, { checkoutSessionId, afterVersion: 3 }), [])
      const hidden = yield* Effect.flip(sessions.history(callers.stranger, { checkoutSessionId, afterVersion: 4 }))
      assert.strictEqual(hidden._tag, "SessionInaccessible")
      yield* sessions.cancel(callers.buyer, { checkoutSessionId })
      yield* refused(5, 4)
      const end = sessions.changes(callers.buyer, { checkoutSessionId, afterVersion: 4 })
      assert.strictEqual(Chunk.size(yield* Stream.runCollect(end)), 0)
    })
  )
  it(
    "changes of a session the caller may not see are refused",
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const { checkoutSessionId } = yield* openedWorld
      const stream = sessions.changes(callers.stranger, { checkoutSessionId, afterVersion: 0 })
      const refused = yield* Effect.flip(Effect.map(Stream.runCollect(stream), Chunk.size))
      assert.strictEqual(refused._tag, "SessionInaccessible")
    })
  )
}

const walkRest = (checkoutSessionId: string) =>
  Effect.gen(function* () {
    const sessions = yield* Sessions
    for (const step of steps.slice(1)) yield* sessions.update(callers.buyer, { checkoutSessionId, ...step })
  })
