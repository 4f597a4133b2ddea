/**
 * CheckoutSuite: what every implementation of `CheckoutSessions` must do. The same tests, unchanged, run on the
 * embedded engine in memory, on SQLite, and on the client that calls a server over HTTP.
 *
 * Here: opening, the way through a flow, the race. Idempotency keys, cancel, expiry, history, claims and every refusal
 * with the order of the checks stand in the files beside it; the people and carts of all of them in `CheckoutWorld`.
 */
import { assert, layer } from "@effect/vitest"
import { CheckoutSession, Flow } from "@onelane/checkout"
import { Effect, Either, type Layer } from "effect"
import { claims } from "./CheckoutSuiteClaims.js"
import { finding } from "./CheckoutSuiteFinding.js"
import { chaining, chains, choices, choosing } from "./CheckoutSuiteFlows.js"
import { keys } from "./CheckoutSuiteKeys.js"
import { leaving, watching } from "./CheckoutSuiteLifetime.js"
import { listing } from "./CheckoutSuiteLists.js"
import { refusals } from "./CheckoutSuiteRefusals.js"
import { waits } from "./CheckoutSuiteWaits.js"
import {
  type CheckoutIt,
  type CheckoutServices,
  callers,
  claiming,
  makeWorld,
  openedWorld,
  path,
  Sessions,
  steps,
  walkTo
} from "./CheckoutWorld.js"

export { callers } from "./CheckoutWorld.js"

/** Options of the suite. */
export interface CheckoutSuiteOptions {
  /** `live` for a layer that crosses a real network: time then passes by itself. Default `test`. */
  readonly clock?: "test" | "live" | undefined
}

/**
 * Registers the suite. `makeLayer` returns the service with this flow over an empty journal, and the directory that its
 * `Access` and `Carts` read. A remote implementation authenticates `callers` and forwards each call with its caller.
 */
export const run = (
  name: string,
  makeLayer: (flow: Flow.Flow) => Layer.Layer<CheckoutServices, unknown>,
  options: CheckoutSuiteOptions = {}
): void => {
  const live = options.clock === "live"
  const part = (title: string, flow: Flow.Flow, tests: (it: CheckoutIt) => void): void =>
    layer(makeLayer(flow), { excludeTestServices: live, timeout: "30 seconds" })(`${name}: ${title}`, (it) =>
      tests((test, effect) => it.effect(test, () => effect))
    )
  part("opening", Flow.b2b, opening)
  part("finding", Flow.b2b, (it) => finding(it, live))
  part("lists", claiming, (it) => listing(it, live))
  part("moving", Flow.b2b, moving)
  part("racing", Flow.b2b, racing)
  part("idempotency keys", Flow.any, keys)
  part("leaving", Flow.b2b, (it) => leaving(it, live))
  part("watching", Flow.b2b, watching)
  part("claims", claiming, claims)
  part("waits", claiming, (it) => waits(it, live))
  part("refusals", claiming, refusals)
  part("choices", choosing, choices)
  part("chains", chaining, chains)
}

const opening = (it: CheckoutIt): void => {
  it(
    "open creates a session of the cart in the flow's initial state",
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const { accountId, cartId, storeId } = yield* makeWorld
      const { created, requestId, session } = yield* sessions.open(callers.buyer, { cartId })
      assert.isTrue(created)
      assert.isAbove(requestId.length, 0)
      assert.match(session.id, /^[A-Za-z0-9_-]{1,64}$/)
      assert.deepInclude(session, { cartId, storeId, accountId, ownerId: "buyer", state: "Start", version: 1 })
      assert.deepInclude(session, { nextState: null, operationId: null, orderId: null, expiresAt: null })
      assert.deepStrictEqual(CheckoutSession.violations(session), [])
      assert.deepStrictEqual(yield* sessions.get(callers.buyer, { checkoutSessionId: session.id }), session)
    })
  )
  it(
    "open gives the live session of a cart back, wherever it is by then",
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const { cartId, checkoutSessionId } = yield* openedWorld
      yield* walkTo(checkoutSessionId, "Taxes")
      const again = yield* sessions.open(callers.buyer, { cartId, initialState: "Inventory" })
      assert.isFalse(again.created)
      assert.strictEqual(again.session.id, checkoutSessionId)
      assert.strictEqual(again.session.state, "Taxes")
    })
  )
  it(
    "of many opens of one cart at once, one creates and all get the same session",
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const { cartId } = yield* makeWorld
      const opened = yield* Effect.all(
        Array.from({ length: 16 }, () => sessions.open(callers.buyer, { cartId })),
        { concurrency: "unbounded" }
      )
      assert.strictEqual(opened.filter(({ created }) => created).length, 1)
      assert.strictEqual(new Set(opened.map(({ session }) => session.id)).size, 1)
    })
  )
  it(
    "open takes an initial state and an id of the host's own",
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const { cartId } = yield* makeWorld
      const checkoutSessionId = `own-${cartId}`
      const { session } = yield* sessions.open(callers.buyer, { cartId, checkoutSessionId, initialState: "Taxes" })
      assert.deepInclude(session, { id: checkoutSessionId, state: "Taxes", version: 1 })
    })
  )
}

const moving = (it: CheckoutIt): void => {
  it(
    "a session walks through the whole flow, one version and one request id a step, and is archived at its end",
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const { checkoutSessionId } = yield* openedWorld
      const walked = yield* walkTo(checkoutSessionId, "Complete")
      assert.deepStrictEqual(
        walked.map(({ session }) => session.state),
        path.slice(1)
      )
      assert.deepStrictEqual(
        walked.map(({ session }) => session.version),
        path.slice(1).map((_, index) => index + 2)
      )
      assert.strictEqual(new Set(walked.map(({ requestId }) => requestId)).size, path.length - 1)
      for (const { replayed, requestId, session } of walked) {
        assert.isFalse(replayed)
        assert.strictEqual(session.lastRequestId, requestId)
        assert.deepStrictEqual(CheckoutSession.violations(session), [])
        assert.strictEqual(session.isArchived, Flow.isFinal(Flow.b2b, session.state))
      }
      const read = yield* sessions.get(callers.buyer, { checkoutSessionId })
      assert.deepStrictEqual(read, walked[walked.length - 1]!.session)
    })
  )
  it(
    "an update that names the version it saw passes at that version only",
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const { checkoutSessionId } = yield* openedWorld
      const update = { checkoutSessionId, ...steps[0]! }
      const early = yield* Effect.flip(sessions.update(callers.buyer, { ...update, expectedVersion: 2 }))
      assert.deepInclude(early, { _tag: "ExpectedStateMismatch", reason: "VERSION_MISMATCH", applied: "no" })
      assert.deepInclude("current" in early && early.current, { state: "Start", version: 1 })
      const { session } = yield* sessions.update(callers.buyer, { ...update, expectedVersion: 1 })
      assert.strictEqual(session.version, 2)
    })
  )
}

const racing = (it: CheckoutIt): void => {
  it(
    "of 64 updates racing for one visit exactly one wins, and 63 learn what is true now",
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const { checkoutSessionId } = yield* openedWorld
      const answers = yield* Effect.all(
        Array.from({ length: 64 }, (_, index) =>
          Effect.either(
            sessions.update(index % 2 === 0 ? callers.buyer : callers.colleague, {
              checkoutSessionId,
              expCurrentState: "Start",
              nextState: index % 2 === 0 ? "Inventory" : "Shipping Address"
            })
          )
        ),
        { concurrency: "unbounded" }
      )
      const winners = answers.filter(Either.isRight)
      assert.strictEqual(winners.length, 1)
      const { requestId, session } = winners[0]!.right
      for (const { left: error } of answers.filter(Either.isLeft)) {
        assert.deepInclude(error, { _tag: "ExpectedStateMismatch", reason: "STATE_MISMATCH", applied: "no" })
        assert.deepStrictEqual("current" in error && error.current, CheckoutSession.currentOf(session))
      }
      assert.strictEqual(session.lastRequestId, requestId)
      assert.deepStrictEqual(yield* sessions.get(callers.buyer, { checkoutSessionId }), session)
    })
  )
  it(
    "two browsers racing through every step of the flow: one winner a step",
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const { checkoutSessionId } = yield* openedWorld
      for (const step of steps) {
        const answers = yield* Effect.all(
          [callers.buyer, callers.colleague].map((caller) =>
            Effect.either(sessions.update(caller, { checkoutSessionId, ...step }))
          ),
          { concurrency: "unbounded" }
        )
        assert.deepStrictEqual(answers.map(({ _tag }) => _tag).sort(), ["Left", "Right"])
      }
      assert.strictEqual((yield* sessions.get(callers.buyer, { checkoutSessionId })).version, path.length)
    })
  )
  it(
    "sessions do not stand in each other's way",
    Effect.gen(function* () {
      const worlds = yield* Effect.all(Array.from({ length: 20 }, () => openedWorld))
      yield* Effect.forEach(worlds, ({ checkoutSessionId }) => walkTo(checkoutSessionId, "Complete"), {
        concurrency: "unbounded",
        discard: true
      })
    })
  )
}
