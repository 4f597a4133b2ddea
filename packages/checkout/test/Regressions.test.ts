/**
 * The failures of CONTRACT §6 that are about turns, commits and claims (1-5, 8, 10, 14); those a shop meets stand in
 * `RegressionsShop.test`. Each test shows the engine holding, and the same scenario going wrong when the guard named in
 * it is taken out (`mutants`), so that none of them can pass for lack of a danger.
 */
import { assert, describe, it } from "@effect/vitest"
import { Access, Flow, type Task } from "@onelane/checkout"
import { type Journal, JournalMemory } from "@onelane/engine"
import { Deferred, Effect, Either, Exit, Fiber, TestClock } from "effect"
import { decide } from "../src/commands/UpdateCheckoutSession.js"
import type { SessionState } from "../src/session/SessionState.js"
import { admin, buyer, colleague, integrator, nextTick, opened, slowMemory, until } from "./fixture.js"
import * as Mutants from "./mutants.js"
import { after, open, resultOf, turnAt, update } from "./rules.js"

import { accepted, type Boot, bootWith, engine, paying, provider, race, start } from "./scenarios.js"
import { worked } from "./worked.js"

describe("Regressions", () => {
  it.scoped("1 business logic runs for one of two clients, not for both: the claim comes first", () => {
    const runs = (boot: Boot) =>
      Effect.gen(function* () {
        const { asked, contexts, pay } = yield* provider
        const { sessions } = yield* boot(slowMemory(), { flow: paying(pay) })
        const checkoutSessionId = yield* opened(sessions)
        yield* race([buyer, colleague].map((caller) => sessions.update(caller, { checkoutSessionId, ...start })))
        yield* asked(1)
        yield* nextTick
        return contexts.length
      })
    return Effect.gen(function* () {
      assert.strictEqual(yield* runs(engine), 1)
      const { pay, orders } = yield* provider
      // The naive counterpart checks, works, and only then compares again.
      let version = 1
      const naive = (requestId: string) =>
        Effect.gen(function* () {
          const seen = version
          yield* Effect.zipRight(nextTick, Effect.fork(worked(pay.run, { requestId } as Task.TaskContext)))
          if (seen === version) version += 1
        })
      yield* race([naive("a"), naive("b")])
      assert.strictEqual(version, 2)
      yield* until(
        Effect.sync(() => orders.size),
        (size) => size === 2
      )
    })
  })

  it.scoped("2 the decision is on what is true in the turn: a right revoked while the command waited loses", () => {
    const told = (snapshot: boolean) =>
      Effect.gen(function* () {
        const trusted = yield* Effect.provide(Access.Access, Access.layerTrusted)
        const gate = yield* Deferred.make<void>()
        let [revoked, waits] = [false, false]
        const verdict = (isRevoked: boolean): Access.Rights => ({
          mayInvoke: true,
          maySee: true,
          accountAccessible: !isRevoked,
          storeMember: true
        })
        const access: Access.AccessShape = {
          ...trusted,
          // Guard: rights are read inside the turn. The mutant read them when the command was sent.
          rights: (caller) =>
            caller.userId === colleague.userId && waits
              ? Effect.as(Deferred.await(gate), verdict(false))
              : Exit.succeed(verdict(snapshot ? false : revoked))
        }
        const { sessions } = yield* engine(JournalMemory.make(), { access })
        const checkoutSessionId = yield* opened(sessions)
        waits = true
        const holder = yield* Effect.fork(sessions.get(colleague, { checkoutSessionId }))
        yield* nextTick
        const queued = yield* Effect.fork(Effect.either(sessions.update(buyer, { checkoutSessionId, ...start })))
        yield* nextTick
        revoked = true
        yield* Deferred.succeed(gate, undefined)
        yield* Fiber.join(holder)
        const answer = yield* Fiber.join(queued)
        return Either.isRight(answer) ? "accepted" : answer.left._tag
      })
    return Effect.gen(function* () {
      assert.strictEqual(yield* told(false), "AccountInaccessible")
      assert.strictEqual(yield* told(true), "accepted")
    })
  })

  it.scoped("3 no reply before the commit: what was acknowledged is there after a crash", () => {
    const survives = (journal: Journal.JournalShape, durable: Journal.JournalShape) =>
      Effect.gen(function* () {
        const { crash, sessions } = yield* engine(journal)
        const checkoutSessionId = yield* opened(sessions)
        return { checkoutSessionId, sessions, crash, durable }
      })
    const stateAfterCrash = (made: Effect.Effect.Success<ReturnType<typeof survives>>) =>
      Effect.gen(function* () {
        const { checkoutSessionId, crash, durable, sessions } = made
        const { session } = yield* sessions.update(buyer, { checkoutSessionId, ...start })
        yield* crash
        const restarted = yield* engine(durable)
        return { told: session.state, found: (yield* restarted.sessions.get(admin, { checkoutSessionId })).state }
      })
    return Effect.gen(function* () {
      const sound = slowMemory()
      const { found, told } = yield* stateAfterCrash(yield* survives(sound, sound))
      assert.strictEqual(found, told)
      const memory = JournalMemory.make()
      const { flush, journal } = Mutants.writeBehind(memory)
      const mutant = yield* survives(journal, memory)
      yield* flush
      const lost = yield* stateAfterCrash(mutant)
      assert.deepStrictEqual(lost, { told: "Inventory", found: "Start" })
    })
  })

  it.scoped("4 a loser's stale request cannot fail the winner's session: results are fenced by their operation", () => {
    const stateAfter = (boot: Boot) =>
      Effect.gen(function* () {
        const { sessions } = yield* boot(JournalMemory.make(), { flow: paying({}) })
        const checkoutSessionId = yield* opened(sessions)
        const claim = Effect.map(
          sessions.update(buyer, { checkoutSessionId, ...start }),
          ({ session }) => session.operationId!
        )
        const stale = yield* claim
        yield* sessions.releaseClaim(admin, { checkoutSessionId, operationId: stale, reason: "stuck" })
        yield* claim
        const late = { checkoutSessionId, operationId: stale, code: "TIMEOUT" }
        const told = yield* Effect.either(sessions.failTask(integrator, late))
        const { isProcessing, state } = yield* sessions.get(admin, { checkoutSessionId })
        return { told: Either.isLeft(told) ? told.left._tag : "accepted", state, isProcessing }
      })
    return Effect.gen(function* () {
      const sound = { told: "OperationNotCurrent", state: "Start", isProcessing: true }
      assert.deepStrictEqual(yield* stateAfter(engine), sound)
      const wrong = { told: "accepted", state: "Error", isProcessing: false }
      assert.deepStrictEqual(yield* stateAfter(bootWith(Mutants.withoutOperationFence)), wrong)
    })
  })

  it.scoped("5 screen and background write one session through one fence: neither undoes the other", () => {
    const orderAfter = (journal: Journal.JournalShape) =>
      Effect.gen(function* () {
        const [screen, background] = [
          yield* engine(journal, { flow: paying({}) }),
          yield* engine(journal, { flow: paying({}) })
        ]
        const checkoutSessionId = yield* opened(screen.sessions)
        const { session } = yield* screen.sessions.update(buyer, { checkoutSessionId, ...start })
        const result = { checkoutSessionId, operationId: session.operationId!, orderId: "order-1" }
        yield* background.sessions.completeTask(integrator, result)
        // The screen's engine still believes that the task runs.
        yield* screen.sessions.cancel(buyer, { checkoutSessionId })
        const { sessions } = yield* engine(journal)
        return (yield* sessions.get(admin, { checkoutSessionId })).orderId
      })
    return Effect.gen(function* () {
      assert.strictEqual(yield* orderAfter(slowMemory()), "order-1")
      assert.isNull(yield* orderAfter(Mutants.withoutFence(slowMemory())))
    })
  })

  it.scoped("8 the key is not the guard: two clients with two keys still have one winner", () => {
    const winners = (boot: Boot) =>
      Effect.gen(function* () {
        const { sessions } = yield* boot(slowMemory(), { flow: Flow.any })
        const checkoutSessionId = yield* opened(sessions)
        const answers = yield* race(
          ["Inventory", "Taxes"].map((nextState) =>
            sessions.update(buyer, {
              checkoutSessionId,
              expCurrentState: "Start",
              nextState,
              idempotencyKey: nextState
            })
          )
        )
        return accepted(answers)
      })
    return Effect.gen(function* () {
      assert.strictEqual(yield* winners(engine), 1)
      assert.strictEqual(yield* winners(bootWith(Mutants.withoutExpectedState)), 2)
    })
  })

  it.scoped("10 the holder of a claim dies: the claim is durable, found by its alarm and resumed", () => {
    const isFreed = (boot: Boot) =>
      Effect.gen(function* () {
        const journal = slowMemory()
        const { asked, open, pay } = yield* provider
        const { crash, sessions } = yield* boot(journal, { flow: paying(pay) })
        const checkoutSessionId = yield* opened(sessions)
        yield* sessions.update(buyer, { checkoutSessionId, ...start })
        yield* asked(1)
        yield* crash
        const restarted = yield* boot(journal, { flow: paying(pay) })
        yield* open
        yield* TestClock.adjust("2 minutes")
        yield* nextTick
        return !(yield* restarted.sessions.get(admin, { checkoutSessionId })).isProcessing
      })
    return Effect.gen(function* () {
      assert.isTrue(yield* isFreed(engine))
      assert.isFalse(yield* isFreed(bootWith(Mutants.withoutAlarm)))
    })
  })

  it.scoped("14 a limit holds for requests in one packet: check and commit are one turn, ports and all", () =>
    Effect.gen(function* () {
      const trusted = yield* Effect.provide(Access.Access, Access.layerTrusted)
      const access: Access.AccessShape = {
        ...trusted,
        rights: (...asked) => Effect.zipRight(nextTick, trusted.rights(...asked))
      }
      const { sessions } = yield* engine(slowMemory(), { access })
      const checkoutSessionId = yield* opened(sessions)
      const packet = Array.from({ length: 64 }, () => sessions.update(buyer, { checkoutSessionId, ...start }))
      assert.strictEqual(accepted(yield* race(packet)), 1)

      // The naive counterpart: the same rules and the same port, but state is read before the port is asked.
      let stored: SessionState = after(open)
      const naive = Effect.gen(function* () {
        const seen = stored
        yield* nextTick
        stored = resultOf(seen, decide(Flow.b2b, seen, update("Start", "Inventory"), turnAt(1))).state
      })
      assert.strictEqual(accepted(yield* race(Array.from({ length: 64 }, () => naive))), 64)
      assert.strictEqual(stored.session?.version, 2)
    })
  )
})
