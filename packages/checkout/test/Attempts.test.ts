/** The last refused calls of each session: what is kept of them, and how much. */
import { assert, describe, it } from "@effect/vitest"
import { Access, Attempts, Caller, Carts, CheckoutEngine, CheckoutSessions, Flow, Retention } from "@onelane/checkout"
import { JournalMemory } from "@onelane/engine"
import { Effect, Layer, TestClock } from "effect"
import type { SessionCommand } from "../src/commands/SessionCommand.js"
import * as Refusal from "../src/errors/Refusal.js"
import type { CheckoutSession } from "../src/session/CheckoutSession.js"
import { initial, type SessionState } from "../src/session/SessionState.js"
import { admin, boot, buyer, handTask, integrator, opened, settled, slowMemory } from "./fixture.js"

const start = { expCurrentState: "Start", nextState: "Inventory" }

const session = { id: "s", state: "Start", version: 1, nextState: null, lastRequestId: "req_1" } as CheckoutSession
const state: SessionState = { ...initial, session: { ...session, isProcessing: false, isArchived: false } }
const cancelBy = (userId: string): SessionCommand => ({
  tag: "Cancel",
  caller: Caller.make(userId, []),
  requestId: "r",
  cartId: null,
  expectedVersion: 7
})

describe("the ring of attempts", () => {
  const ringOf = (bounds: Partial<Attempts.Bounds>) => Attempts.make(() => 5, { ...Attempts.defaults, ...bounds })
  const refuse = (ring: Attempts.Ring, id: string, by = "ann") =>
    ring.refused(id, cancelBy(by), Refusal.versionMismatch(state.session!), state)
  const byOf = (ring: Attempts.Ring, id: string) => ring.of(id).attempts.map(({ by }) => by)

  it("keeps the last ones of a session in their order, and counts those that made room", () => {
    const ring = ringOf({ attemptsPerSession: 3 })
    assert.deepStrictEqual(ring.of("a"), { attempts: [], dropped: 0 })
    for (const by of ["1", "2", "3", "4", "5"]) refuse(ring, "a", by)
    assert.deepStrictEqual(byOf(ring, "a"), ["3", "4", "5"])
    assert.strictEqual(ring.of("a").dropped, 2)
  })

  it("forgets the session that was least recently refused when there are too many", () => {
    const ring = ringOf({ sessions: 3 })
    for (const id of ["a", "b", "c", "a", "d", "e"]) refuse(ring, id)
    assert.deepStrictEqual(
      ["a", "b", "c", "d", "e"].map((id) => ring.of(id).attempts.length),
      [2, 0, 0, 1, 1]
    )
    assert.strictEqual(ring.size().sessions, 3)
  })

  it("stays within its bytes, however long the names are, and counts them down again", () => {
    const ring = ringOf({ bytes: 20_000 })
    for (let index = 0; index < 200; index++) {
      refuse(ring, `s${index % 40}`, "é".repeat(10_000))
      assert.isAtMost(ring.size().bytes, 20_000)
    }
    assert.isAbove(ring.size().sessions, 1)
    for (let index = 0; index < 40; index++) ring.forget(`s${index}`)
    assert.deepStrictEqual(ring.size(), { sessions: 0, bytes: 0 })
  })

  it("has the default bounds of 32 attempts, 4,096 sessions and 16 MiB", () => {
    const ring = Attempts.make(() => 5)
    for (let index = 0; index < 5_000; index++) refuse(ring, `s${index}`)
    for (let index = 0; index < 40; index++) refuse(ring, "s4999")
    assert.strictEqual(ring.size().sessions, 4_096)
    assert.lengthOf(ring.of("s4999").attempts, 32)
    assert.isAtMost(ring.size().bytes, 16_777_216)
  })

  it("is not changed by who changes the refusal afterwards, nor by who reads it", () => {
    const ring = ringOf({})
    const error = Refusal.versionMismatch(state.session!)
    ring.refused("a", cancelBy("ann"), error, state)
    ;(error.current as { state: string }).state = "changed"
    ;(ring.of("a").attempts as Array<unknown>).length = 0
    assert.strictEqual(ring.of("a").attempts[0]!.current.state, "Start")
  })
})

const engine = CheckoutEngine.layer({ attempts: true }).pipe(
  Layer.provide(Layer.merge(Access.layerTrusted, Carts.layerTrusted)),
  Layer.provide(JournalMemory.layer)
)

describe("the attempts of an engine", () => {
  it.scoped("tell who wanted what, what was true then, and who won", () =>
    Effect.gen(function* () {
      const { engine, sessions } = yield* boot(slowMemory(), { attempts: true })
      const checkoutSessionId = yield* opened(sessions)
      const [won, lost] = yield* Effect.all(
        [
          sessions.update(buyer, { checkoutSessionId, ...start }),
          Effect.flip(sessions.update(integrator, { checkoutSessionId, ...start, expectedVersion: 1 }))
        ],
        { concurrency: "unbounded" }
      )
      assert.strictEqual(lost._tag, "ExpectedStateMismatch")
      yield* Effect.flip(sessions.cancel(buyer, { checkoutSessionId, expectedVersion: 1 }))
      const { attempts, dropped, running, since } = engine.inspect(checkoutSessionId)
      assert.deepStrictEqual([dropped, running, since], [0, null, 0])
      const current = {
        state: "Inventory",
        version: 2,
        nextState: null,
        isProcessing: false,
        isArchived: false,
        orderId: null,
        lastRequestId: won.requestId
      }
      assert.deepStrictEqual(
        attempts.map(({ at: _, message: __, ...rest }) => rest),
        [
          {
            by: "integrator",
            action: "update",
            tag: "ExpectedStateMismatch",
            reason: "STATE_MISMATCH",
            expectedState: "Start",
            expectedVersion: 1,
            operationId: null,
            next: "Inventory",
            current
          },
          {
            by: "buyer",
            action: "cancel",
            tag: "ExpectedStateMismatch",
            reason: "VERSION_MISMATCH",
            expectedState: null,
            expectedVersion: 1,
            operationId: null,
            next: null,
            current
          }
        ]
      )
    })
  )

  it.scoped("hold every kind of call, results of tasks among them, but neither reads, nor opens, nor data", () =>
    Effect.gen(function* () {
      const hand = yield* handTask()
      const access: Access.AccessShape = {
        mayInvoke: () => Effect.succeed(true),
        rights: ({ userId }) =>
          Effect.succeed(userId === "stranger" ? { ...Access.everyRight, maySee: false } : Access.everyRight)
      }
      const flow = Flow.withTasks(Flow.b2b, { Start: hand.task })
      const { engine, sessions } = yield* boot(JournalMemory.make(), { attempts: true, access, flow })
      const checkoutSessionId = yield* opened(sessions)
      const stranger = Caller.make("stranger", ["buyer-checkout"])
      yield* Effect.flip(sessions.get(stranger, { checkoutSessionId }))
      yield* Effect.flip(sessions.update(stranger, { checkoutSessionId, ...start }))
      yield* sessions.update(buyer, { checkoutSessionId, ...start })
      yield* hand.called(0)
      assert.deepInclude(engine.inspect(checkoutSessionId).running, { tries: 1 })
      yield* Effect.flip(sessions.update(buyer, { checkoutSessionId, ...start }))
      const operation = { checkoutSessionId, operationId: "op_none" }
      yield* Effect.flip(sessions.completeTask(admin, { ...operation, orderId: "o" }))
      yield* Effect.flip(sessions.failTask(admin, { ...operation, code: "secret-code" }))
      yield* Effect.flip(sessions.releaseClaim(admin, { ...operation, reason: "secret-reason" }))
      yield* Effect.flip(sessions.move(admin, { checkoutSessionId, state: "Inventory", reason: "secret-reason" }))
      yield* Effect.flip(sessions.open(buyer, { cartId: "cart-2", checkoutSessionId }))
      const { attempts } = engine.inspect(checkoutSessionId)
      assert.deepStrictEqual(
        attempts.map(({ action, by, tag }) => [action, by, tag]),
        [
          ["update", "stranger", "SessionInaccessible"],
          ["update", "buyer", "SessionProcessing"],
          ["completeTask", "admin", "OperationNotCurrent"],
          ["failTask", "admin", "OperationNotCurrent"],
          ["releaseClaim", "admin", "OperationNotCurrent"],
          ["move", "admin", "SessionProcessing"]
        ]
      )
      assert.strictEqual(attempts[0]!.current.state, "Start")
      assert.strictEqual(attempts[2]!.operationId, "op_none")
      assert.notInclude(JSON.stringify(attempts), "secret")
      yield* hand.succeed(0)
      yield* settled(sessions, checkoutSessionId)
      assert.isNull(engine.inspect(checkoutSessionId).running)
    })
  )

  it.scoped("are not kept of sessions that do not exist, and not at all unless the host wants them", () =>
    Effect.gen(function* () {
      const { engine, sessions } = yield* boot(JournalMemory.make(), { attempts: true })
      yield* Effect.flip(sessions.update(buyer, { checkoutSessionId: "none", ...start }))
      assert.deepStrictEqual(engine.inspect("none").attempts, [])
      assert.deepInclude(engine.metrics.attempts!(), { sessions: 0, bytes: 0 })
      const off = yield* boot(JournalMemory.make())
      const checkoutSessionId = yield* opened(off.sessions)
      yield* Effect.flip(off.sessions.cancel(buyer, { checkoutSessionId, expectedVersion: 9 }))
      const nothing = { attempts: [], dropped: 0, since: null, running: null }
      assert.deepStrictEqual(off.engine.inspect(checkoutSessionId), nothing)
      assert.isNull(off.engine.metrics.attempts)
    })
  )

  it.scoped("are forgotten with a session that is erased or pruned", () =>
    Effect.gen(function* () {
      const sessions = yield* CheckoutSessions.CheckoutSessions
      const { inspect } = yield* CheckoutEngine.CheckoutEngine
      const { erase, prune } = yield* Retention.Retention
      for (const remove of [erase({ cartId: "cart-1" }), prune({ archivedBefore: 10 })]) {
        const { session } = yield* sessions.open(buyer, { cartId: "cart-1" })
        yield* sessions.cancel(buyer, { checkoutSessionId: session.id })
        yield* Effect.flip(sessions.cancel(buyer, { checkoutSessionId: session.id }))
        assert.lengthOf(inspect(session.id).attempts, 1)
        yield* TestClock.adjust(1)
        yield* remove
        assert.lengthOf(inspect(session.id).attempts, 0)
      }
    }).pipe(Effect.provide(engine))
  )
})

describe("the reason of a cancel", () => {
  it.scoped("stands in the history with who cancelled, and belongs to what an idempotency key names", () =>
    Effect.gen(function* () {
      const { sessions } = yield* boot(JournalMemory.make())
      const checkoutSessionId = yield* opened(sessions)
      const input = { checkoutSessionId, reason: "the buyer called", idempotencyKey: "k" }
      yield* sessions.cancel(admin, input)
      assert.isTrue((yield* sessions.cancel(admin, input)).replayed)
      assert.deepInclude(yield* Effect.flip(sessions.cancel(admin, { ...input, reason: "another" })), {
        _tag: "IdempotencyConflict"
      })
      const history = yield* sessions.history(admin, { checkoutSessionId })
      assert.deepInclude(history.at(-1), { type: "Cancelled", by: "admin", reason: "the buyer called" })
      const second = yield* opened(sessions, "cart-2")
      yield* sessions.cancel(admin, { cartId: "cart-2", reason: "by cart" })
      assert.strictEqual((yield* sessions.history(admin, { checkoutSessionId: second })).at(-1)!.reason, "by cart")
    })
  )

  it.scoped("is text of 1 to 4,000 characters, and may be left out", () =>
    Effect.gen(function* () {
      const { sessions } = yield* boot(JournalMemory.make())
      const checkoutSessionId = yield* opened(sessions)
      for (const reason of ["", "x".repeat(4_001), 7, {}] as unknown as ReadonlyArray<string>)
        assert.deepInclude(yield* Effect.flip(sessions.cancel(admin, { checkoutSessionId, reason })), {
          _tag: "InvalidInput",
          fields: ["reason"]
        })
      yield* sessions.cancel(admin, { checkoutSessionId })
      assert.isNull((yield* sessions.history(admin, { checkoutSessionId })).at(-1)!.reason)
    })
  )
})
