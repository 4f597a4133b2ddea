/**
 * The failures of CONTRACT §6 as a shop meets them (6, 7, 9, 11-13, 15); the others, and how all of them are built, in
 * `Regressions.test`.
 */
import { assert, describe, it } from "@effect/vitest"
import { Flow, type Task } from "@onelane/checkout"
import { JournalMemory } from "@onelane/engine"
import { Effect, Either, TestClock } from "effect"
import { buyer, integrator, nextTick, opened, type Sessions, settled, slowMemory } from "./fixture.js"
import * as Mutants from "./mutants.js"

import { accepted, type Boot, bootWith, currentOf, engine, paying, provider, race, start } from "./scenarios.js"

describe("Regressions", () => {
  it.scoped("6 webhook and client both do A to B: the second learns the actual state", () => {
    const learned = (boot: Boot) =>
      Effect.gen(function* () {
        const { sessions } = yield* boot(slowMemory())
        const checkoutSessionId = yield* opened(sessions)
        const [webhook, client] = yield* race(
          [integrator, buyer].map((caller) => sessions.update(caller, { checkoutSessionId, ...start }))
        )
        assert.strictEqual(accepted([webhook!, client!]), 1)
        return { current: currentOf(client!), winner: Either.isRight(webhook!) ? webhook.right.requestId : null }
      })
    return Effect.gen(function* () {
      const { current, winner } = yield* learned(engine)
      assert.deepInclude(current, { state: "Inventory", version: 2, lastRequestId: winner })
      assert.isUndefined((yield* learned(bootWith(Mutants.withoutCurrent))).current)
    })
  })

  it.scoped("7 a transient failure is not remembered: the same key is tried again and accepted", () => {
    const second = (door: (sessions: Sessions) => Sessions) =>
      Effect.gen(function* () {
        const { sessions: behind } = yield* engine(JournalMemory.make(), { flow: paying({}) })
        const sessions = door(behind)
        const checkoutSessionId = yield* opened(sessions)
        const { session } = yield* sessions.update(buyer, { checkoutSessionId, ...start })
        const next = {
          checkoutSessionId,
          expCurrentState: "Inventory",
          nextState: "Confirm Price",
          idempotencyKey: "k"
        }
        assert.strictEqual((yield* Effect.flip(sessions.update(buyer, next)))._tag, "SessionProcessing")
        yield* sessions.completeTask(integrator, { checkoutSessionId, operationId: session.operationId! })
        yield* TestClock.adjust("1 minute")
        return Either.isRight(yield* Effect.either(sessions.update(buyer, next)))
      })
    return Effect.gen(function* () {
      assert.isTrue(yield* second((sessions) => sessions))
      assert.isFalse(yield* second(Mutants.rememberingEverything))
    })
  })

  it.scoped("9 an abandoned session does not block its cart: past its expiry the cart gets a new one", () => {
    const reopened = (boot: Boot) =>
      Effect.gen(function* () {
        const { sessions } = yield* boot(JournalMemory.make())
        const abandoned = yield* opened(sessions, "cart-1", { expiresInMillis: 60_000 })
        yield* TestClock.adjust("1 minute")
        const { session } = yield* sessions.open(integrator, { cartId: "cart-1" })
        return session.id !== abandoned
      })
    return Effect.gen(function* () {
      assert.isTrue(yield* reopened(engine))
      assert.isFalse(yield* reopened(bootWith(Mutants.withoutExpiryAtOpen)))
    })
  })

  it.scoped("11 the order was placed in the other tab: this one is told which, not a raw error", () => {
    const shown = (boot: Boot) =>
      Effect.gen(function* () {
        const flow = Flow.defineFlow({
          name: "two",
          initial: "Start",
          transitions: { Start: ["Complete"], Complete: [] },
          tasks: { Start: {} }
        })
        const { sessions } = yield* boot(JournalMemory.make(), { flow })
        const checkoutSessionId = yield* opened(sessions)
        const order = { checkoutSessionId, expCurrentState: "Start", nextState: "Complete" }
        const { session } = yield* sessions.update(buyer, order)
        const result = { checkoutSessionId, operationId: session.operationId!, orderId: "order-1" }
        yield* sessions.completeTask(integrator, result)
        const current = currentOf(yield* Effect.either(sessions.update(buyer, order)))
        return current?.isArchived === true && current.orderId !== null ? `thanks, ${current.orderId}` : "raw error"
      })
    return Effect.gen(function* () {
      assert.strictEqual(yield* shown(engine), "thanks, order-1")
      assert.strictEqual(yield* shown(bootWith(Mutants.withoutCurrent)), "raw error")
    })
  })

  it.scoped("12 an expired session does not loop on errors: it is final, and an open gives a fresh one", () => {
    const tries = (boot: Boot) =>
      Effect.gen(function* () {
        const { sessions } = yield* boot(JournalMemory.make())
        let checkoutSessionId = yield* opened(sessions, "cart-1", { expiresInMillis: 60_000 })
        yield* TestClock.adjust("1 minute")
        for (let tried = 1; tried <= 10; tried++) {
          const answer = yield* Effect.either(sessions.update(buyer, { checkoutSessionId, ...start }))
          if (Either.isRight(answer)) return tried
          assert.deepInclude(answer.left, { _tag: "SessionClosed", reason: "EXPIRED", retryable: false })
          checkoutSessionId = (yield* sessions.open(buyer, { cartId: "cart-1" })).session.id
        }
        return Number.POSITIVE_INFINITY
      })
    return Effect.gen(function* () {
      assert.strictEqual(yield* tries(engine), 2)
      assert.strictEqual(yield* tries(bootWith(Mutants.withoutExpiryAtOpen)), Number.POSITIVE_INFINITY)
    })
  })

  it.scoped("13 a double click on Pay makes one order, through a crash as well", () => {
    const orders = (boot: Boot, spoil: (task: Task.Task) => Task.Task) =>
      Effect.gen(function* () {
        const journal = slowMemory()
        const { asked, open, orders, pay } = yield* provider
        const flow = paying(spoil(pay))
        const { crash, sessions } = yield* boot(journal, { flow })
        const checkoutSessionId = yield* opened(sessions)
        const click = sessions.update(buyer, { checkoutSessionId, ...start })
        yield* click
        yield* asked(1)
        yield* Effect.either(click)
        yield* nextTick
        yield* crash
        const restarted = yield* boot(journal, { flow })
        yield* open
        assert.strictEqual((yield* settled(restarted.sessions, checkoutSessionId)).state, "Inventory")
        return orders.size
      })
    return Effect.gen(function* () {
      assert.strictEqual(yield* orders(engine, (task) => task), 1)
      assert.strictEqual(yield* orders(bootWith(Mutants.withoutProcessingGuard), (task) => task), 2)
      assert.strictEqual(yield* orders(engine, Mutants.withFreshRequestIds), 2)
    })
  })

  it.scoped("15 a late update does not interrupt the payment task: money taken is an order saved", () => {
    const saved = (boot: Boot) =>
      Effect.gen(function* () {
        const { asked, contexts, open, orders, pay } = yield* provider
        const { sessions } = yield* boot(slowMemory(), { flow: paying(pay) })
        const checkoutSessionId = yield* opened(sessions)
        yield* sessions.update(buyer, { checkoutSessionId, ...start })
        yield* asked(1)
        const late = yield* Effect.either(
          sessions.update(integrator, { checkoutSessionId, expCurrentState: "Start", nextState: "Shipping Address" })
        )
        yield* nextTick
        yield* open
        const { orderId } = yield* settled(sessions, checkoutSessionId)
        return {
          late: Either.isLeft(late) ? late.left._tag : "accepted",
          interrupted: contexts[0]?.signal.aborted,
          charges: orders.size,
          orderId
        }
      })
    return Effect.gen(function* () {
      const sound = { late: "SessionProcessing", interrupted: false, charges: 1, orderId: "order-1" }
      assert.deepStrictEqual(yield* saved(engine), sound)
      const wrong = { late: "accepted", interrupted: true, charges: 2, orderId: "order-2" }
      assert.deepStrictEqual(yield* saved(bootWith(Mutants.withoutProcessingGuard)), wrong)
    })
  })
})
