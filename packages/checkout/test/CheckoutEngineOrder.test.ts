import { assert, describe, it } from "@effect/vitest"
import { type Carts, Flow } from "@onelane/checkout"
import { JournalMemory } from "@onelane/engine"
import { Deferred, Effect, Exit, Fiber, TestClock } from "effect"
import {
  admin,
  boot,
  buyer,
  colleague,
  handTask,
  integrator,
  nextTick,
  opened,
  settled,
  slowMemory,
  until
} from "./fixture.js"

const start = { expCurrentState: "Start", nextState: "Inventory" }
const elsewhere = Flow.withTasks(Flow.b2b, { Start: {} })

/** A cart port that holds the lane until the test lets go: what arrives meanwhile waits in the mailbox, in order. */
const gatedCarts = Effect.gen(function* () {
  const gate = yield* Deferred.make<void>()
  const cart: Carts.Cart = { id: "cart-1", storeId: "store", accountId: "account", ownerId: "buyer", status: "Active" }
  let asked = 0
  let gated = false
  const carts: Carts.CartsShape = {
    find: (id) => {
      asked += 1
      const found = { ...cart, id }
      return gated ? Effect.as(Deferred.await(gate), found) : Exit.succeed(found)
    }
  }
  return {
    carts,
    close: Effect.sync(() => {
      gated = true
    }),
    open: Effect.zipRight(
      Effect.sync(() => {
        gated = false
      }),
      Deferred.succeed(gate, undefined)
    ),
    asked: Effect.sync(() => asked)
  }
})

/** A claimed session of a process whose lane is held by a losing update; `send` queues commands behind it, in order. */
const held = Effect.gen(function* () {
  const { carts, close, open, asked } = yield* gatedCarts
  const process = yield* boot(slowMemory(), { flow: elsewhere, carts })
  const { sessions } = process
  const checkoutSessionId = yield* opened(sessions)
  const { session } = yield* sessions.update(buyer, { checkoutSessionId, ...start })
  const before = yield* asked
  yield* close
  const holder = yield* Effect.fork(Effect.either(sessions.update(colleague, { checkoutSessionId, ...start })))
  yield* until(asked, (count) => count > before)
  const send = <A, E>(call: Effect.Effect<A, E>) => Effect.zipLeft(Effect.fork(Effect.either(call)), nextTick)
  const release = Effect.zipRight(open, Fiber.join(holder))
  const operation = { checkoutSessionId, operationId: session.operationId! }
  return { sessions, checkoutSessionId, operation, send, release }
})

const tagOf = (answer: { readonly _tag: string; readonly left?: { readonly _tag: string } }) =>
  answer._tag === "Left" ? answer.left?._tag : "accepted"

describe("CheckoutEngine: mailbox order decides", () => {
  it.scoped("cancel before completion: the session is archived, and the result is told so", () =>
    Effect.gen(function* () {
      const { checkoutSessionId, operation, release, send, sessions } = yield* held
      const cancel = yield* send(sessions.cancel(buyer, { checkoutSessionId }))
      const complete = yield* send(sessions.completeTask(integrator, { ...operation, orderId: "order-1" }))
      yield* release
      assert.strictEqual(tagOf(yield* Fiber.join(cancel)), "accepted")
      assert.strictEqual(tagOf(yield* Fiber.join(complete)), "OperationNotCurrent")
      const session = yield* sessions.get(admin, { checkoutSessionId })
      assert.deepInclude(session, { state: "Start", isArchived: true, orderId: null })
    })
  )

  it.scoped("completion before cancel: both happen, one after the other", () =>
    Effect.gen(function* () {
      const { checkoutSessionId, operation, release, send, sessions } = yield* held
      const complete = yield* send(sessions.completeTask(integrator, { ...operation, orderId: "order-1" }))
      const cancel = yield* send(sessions.cancel(buyer, { checkoutSessionId }))
      yield* release
      assert.deepStrictEqual(
        [tagOf(yield* Fiber.join(complete)), tagOf(yield* Fiber.join(cancel))],
        ["accepted", "accepted"]
      )
      const session = yield* sessions.get(admin, { checkoutSessionId })
      assert.deepInclude(session, { state: "Inventory", isArchived: true, orderId: "order-1", version: 4 })
    })
  )

  it.scoped("completion before cancel at the version the buyer saw: the cancel is refused, the order stays", () =>
    Effect.gen(function* () {
      const { checkoutSessionId, operation, release, send, sessions } = yield* held
      const complete = yield* send(sessions.completeTask(integrator, { ...operation, orderId: "order-1" }))
      const cancel = yield* send(sessions.cancel(buyer, { checkoutSessionId, expectedVersion: 2 }))
      yield* release
      assert.strictEqual(tagOf(yield* Fiber.join(complete)), "accepted")
      assert.strictEqual(tagOf(yield* Fiber.join(cancel)), "ExpectedStateMismatch")
      assert.isFalse((yield* sessions.get(admin, { checkoutSessionId })).isArchived)
    })
  )

  it.scoped("failure and completion of one operation: the first counts", () =>
    Effect.gen(function* () {
      const { checkoutSessionId, operation, release, send, sessions } = yield* held
      const fail = yield* send(sessions.failTask(integrator, { ...operation, code: "C" }))
      const complete = yield* send(sessions.completeTask(integrator, operation))
      yield* release
      assert.strictEqual(tagOf(yield* Fiber.join(fail)), "accepted")
      assert.strictEqual(tagOf(yield* Fiber.join(complete)), "OperationNotCurrent")
      assert.deepInclude(yield* sessions.get(admin, { checkoutSessionId }), { state: "Error", version: 4 })
    })
  )

  it.scoped("an update behind a completion goes on from where it led; one before it is told to wait", () =>
    Effect.gen(function* () {
      const { checkoutSessionId, operation, release, send, sessions } = yield* held
      const next = { checkoutSessionId, expCurrentState: "Inventory", nextState: "Confirm Price" }
      const early = yield* send(sessions.update(buyer, next))
      const complete = yield* send(sessions.completeTask(integrator, operation))
      const late = yield* send(sessions.update(buyer, next))
      yield* release
      const told = yield* Fiber.join(early)
      assert.strictEqual(tagOf(told), "SessionProcessing")
      if (told._tag === "Left" && told.left._tag === "SessionProcessing") {
        assert.isTrue(told.left.retryable)
        assert.strictEqual(told.left.retryAfterMillis, 1_000)
      }
      assert.strictEqual(tagOf(yield* Fiber.join(complete)), "accepted")
      assert.strictEqual(tagOf(yield* Fiber.join(late)), "accepted")
    })
  )

  it.scoped("a release before a completion wins it", () =>
    Effect.gen(function* () {
      const { checkoutSessionId, operation, release, send, sessions } = yield* held
      const released = yield* send(sessions.releaseClaim(admin, { ...operation, reason: "stuck" }))
      const complete = yield* send(sessions.completeTask(integrator, operation))
      yield* release
      assert.strictEqual(tagOf(yield* Fiber.join(released)), "accepted")
      assert.strictEqual(tagOf(yield* Fiber.join(complete)), "OperationNotCurrent")
      assert.deepInclude(yield* sessions.get(admin, { checkoutSessionId }), { state: "Start", isProcessing: false })
    })
  )
})

describe("CheckoutEngine: expiry against update", () => {
  const expiring = Effect.gen(function* () {
    const { sessions } = yield* boot(JournalMemory.make(), { flow: elsewhere, alarmMillis: 600_000 })
    const checkoutSessionId = yield* opened(sessions, "cart-1", { expiresInMillis: 5_000, initialState: "Taxes" })
    return { sessions, checkoutSessionId, ...{ expCurrentState: "Taxes", nextState: "Payment And Billing Address" } }
  })

  it.scoped("an update before the expiry is accepted, and the session expires in its new state", () =>
    Effect.gen(function* () {
      const { sessions, ...input } = yield* expiring
      yield* TestClock.adjust(4_999)
      assert.strictEqual((yield* sessions.update(buyer, input)).session.version, 2)
      yield* TestClock.adjust("10 minutes")
      const { checkoutSessionId } = input
      const session = yield* until(sessions.get(admin, { checkoutSessionId }), ({ isArchived }) => isArchived)
      assert.deepInclude(session, { state: "Payment And Billing Address", version: 3 })
    })
  )

  it.scoped("an update at the expiry is refused, whether or not the clock has come round", () =>
    Effect.gen(function* () {
      const { sessions, ...input } = yield* expiring
      yield* TestClock.adjust(5_000)
      const early = yield* Effect.flip(sessions.update(buyer, input))
      assert.deepInclude(early, { _tag: "SessionClosed", reason: "EXPIRED" })
      assert.deepInclude("current" in early && early.current, { version: 1, isArchived: false })
      yield* TestClock.adjust("10 minutes")
      const { checkoutSessionId } = input
      yield* until(sessions.get(admin, { checkoutSessionId }), ({ isArchived }) => isArchived)
      assert.deepInclude(yield* Effect.flip(sessions.update(buyer, input)), {
        _tag: "SessionClosed",
        reason: "EXPIRED"
      })
    })
  )

  it.scoped("a task that outlives the expiry ends first; then the session expires", () =>
    Effect.gen(function* () {
      const { called, succeed, task } = yield* handTask()
      const flow = Flow.withTasks(Flow.b2b, { Start: task })
      const { sessions } = yield* boot(JournalMemory.make(), { flow })
      const checkoutSessionId = yield* opened(sessions, "cart-1", { expiresInMillis: 5_000 })
      yield* sessions.update(buyer, { checkoutSessionId, ...start })
      yield* called(0)
      yield* TestClock.adjust("8 seconds")
      assert.deepInclude(yield* sessions.get(admin, { checkoutSessionId }), { isProcessing: true, isArchived: false })
      yield* succeed(0, { orderId: "order-1" })
      assert.deepInclude(yield* settled(sessions, checkoutSessionId), { state: "Inventory", orderId: "order-1" })
      yield* TestClock.adjust("2 seconds")
      yield* until(sessions.get(admin, { checkoutSessionId }), ({ isArchived }) => isArchived)
    })
  )
})
