/**
 * CheckoutSuiteLifetime: how a session ends (cancel, expiry) and how it is watched (history, changes), as `CheckoutSuite`
 * runs them.
 */
import { assert } from "@effect/vitest"
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
      assert.strictEqual(session.id, checkoutSessionId)
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
