/** What a wait costs, what ends it, and how many there may be. */
import { assert, describe, it } from "@effect/vitest"
import { Access, Flow } from "@onelane/checkout"
import { type Journal, JournalMemory } from "@onelane/engine"
import { Effect, Exit, Fiber, TestClock } from "effect"
import { flowOf, start } from "./claiming.js"
import { admin, boot, buyer, handTask, integrator, nextTick, opened, type ProcessOptions, until } from "./fixture.js"

const wait = { wait: "screen", waitMillis: 30_000 } as const

/** A process whose host works on `Start`, with an update that waits. */
const waiting = (journal: Journal.JournalShape = JournalMemory.make(), options: ProcessOptions = {}) =>
  Effect.gen(function* () {
    const process = yield* boot(journal, { flow: flowOf({}), ...options })
    const { engine, sessions } = process
    const checkoutSessionId = yield* opened(sessions)
    const updating = yield* Effect.fork(sessions.update(buyer, { checkoutSessionId, ...start }, wait))
    yield* until(
      Effect.sync(() => engine.metrics.sessions.attendants),
      (attendants) => attendants === 1
    )
    const { operationId } = yield* sessions.get(admin, { checkoutSessionId })
    const complete = sessions.completeTask(integrator, { checkoutSessionId, operationId: operationId! })
    return { ...process, attendants: () => engine.metrics.sessions.attendants, checkoutSessionId, complete, updating }
  })

/** A journal that counts what it is asked. */
const counting = () => {
  const asked = { load: 0, events: 0 }
  const memory = JournalMemory.make()
  const journal: Journal.JournalShape = {
    ...memory,
    load: (address) => {
      if (address.kind !== "cart") asked.load += 1
      return memory.load(address)
    },
    events: (...page) => {
      asked.events += 1
      return memory.events(...page)
    }
  }
  return { asked, journal }
}

describe("a wait", () => {
  it.scoped("reads nothing from the journal, however many commits its session sees", () =>
    Effect.gen(function* () {
      const { asked, journal } = counting()
      const { attendants, checkoutSessionId, complete, sessions, updating } = yield* waiting(journal)
      const before = { ...asked }
      const others = yield* Effect.forEach(Array.from({ length: 50 }), () =>
        Effect.fork(sessions.get(admin, { checkoutSessionId }, wait))
      )
      yield* until(Effect.sync(attendants), (count) => count === 51)
      const { session } = yield* complete
      assert.deepStrictEqual((yield* Fiber.join(updating)).session, session)
      for (const other of others) assert.deepStrictEqual(yield* Fiber.join(other), session)
      assert.deepStrictEqual(asked, before)
      assert.strictEqual(attendants(), 0)
    })
  )

  it.scoped("of a caller who leaves is over at once, and its update stays", () =>
    Effect.gen(function* () {
      const { attendants, checkoutSessionId, complete, sessions, updating } = yield* waiting()
      yield* Fiber.interrupt(updating)
      assert.strictEqual(attendants(), 0)
      assert.isTrue((yield* sessions.get(admin, { checkoutSessionId })).isProcessing)
      yield* complete
    })
  )

  it.scoped("ends after ten seconds unless it says so", () =>
    Effect.gen(function* () {
      const { attendants, checkoutSessionId, complete, sessions } = yield* waiting()
      const reading = yield* Effect.fork(sessions.get(buyer, { checkoutSessionId }, { wait: "screen" }))
      yield* until(Effect.sync(attendants), (count) => count === 2)
      yield* TestClock.adjust(9_999)
      assert.strictEqual(attendants(), 2)
      yield* TestClock.adjust(1)
      assert.isTrue((yield* Fiber.join(reading)).isProcessing)
      yield* complete
    })
  )

  it.scoped("ends with the session as it is when the engine closes", () =>
    Effect.gen(function* () {
      const { stop, updating } = yield* waiting()
      yield* stop
      const updated = yield* Fiber.join(updating)
      assert.deepInclude(updated, { arrived: false, replayed: false })
      assert.deepInclude(updated.session, { isProcessing: true, version: 2 })
    })
  )

  for (const [name, options] of [
    ["on one session", { mailboxCapacity: 1 }],
    ["in all", { systemCapacity: 1 }]
  ] as const) {
    it.scoped(`that is one too many ${name} is answered at once with the session as it is`, () =>
      Effect.gen(function* () {
        const { checkoutSessionId, complete, sessions, updating } = yield* waiting(JournalMemory.make(), {
          engine: options
        })
        assert.isTrue((yield* sessions.get(admin, { checkoutSessionId }, wait)).isProcessing)
        yield* complete
        assert.isTrue((yield* Fiber.join(updating)).arrived)
      })
    )
  }

  it.scoped("through a chain of refusals and owners is one wait: only the end of the work ends it", () =>
    Effect.gen(function* () {
      const { attendants, checkoutSessionId, complete, sessions, updating } = yield* waiting()
      yield* sessions.open(admin, { cartId: "cart-1", ownerId: "buyer", accountId: "other" })
      for (let turns = 0; turns < 10; turns++) yield* nextTick
      assert.strictEqual(attendants(), 1)
      const { session } = yield* complete
      const updated = yield* Fiber.join(updating)
      assert.deepStrictEqual(updated.session, session)
      assert.deepInclude(yield* sessions.get(admin, { checkoutSessionId }), { accountId: "other" })
    })
  )

  it.scoped("shows where the session arrived, not where another update has taken it since", () =>
    Effect.gen(function* () {
      let isSlow = false
      const everything = Exit.succeed(Access.everyRight)
      const access: Access.AccessShape = {
        mayInvoke: () => Exit.succeed(true),
        rights: ({ userId }, action) =>
          isSlow && userId === "buyer" && action === "read"
            ? Effect.zipRight(Effect.repeatN(nextTick, 5), everything)
            : everything
      }
      const flow = Flow.withTasks(flowOf({}), { Inventory: {} })
      const { checkoutSessionId, complete, sessions, updating } = yield* waiting(JournalMemory.make(), { access, flow })
      isSlow = true
      const { session } = yield* complete
      const next = { checkoutSessionId, expCurrentState: "Inventory", nextState: "Confirm Price" }
      yield* sessions.update(admin, next)
      const updated = yield* Fiber.join(updating)
      assert.isTrue(updated.arrived)
      assert.deepInclude(updated.session, { state: "Inventory", isProcessing: false, version: session.version })
    })
  )

  it.scoped("over a journal that others write is told by a poll what another engine has done", () =>
    Effect.gen(function* () {
      const shared: Journal.JournalShape = { ...JournalMemory.make(), exclusive: false }
      const { complete: _, checkoutSessionId, updating } = yield* waiting(shared, { engine: { pollMillis: 80 } })
      const other = yield* boot(shared, { flow: flowOf({}) })
      const { operationId } = yield* other.sessions.get(admin, { checkoutSessionId })
      const { session } = yield* other.sessions.completeTask(integrator, {
        checkoutSessionId,
        operationId: operationId!
      })
      for (let slot = 0; slot < 9; slot++) yield* Effect.zipRight(TestClock.adjust(10), nextTick)
      const updated = yield* Fiber.join(updating)
      assert.deepStrictEqual([updated.session, updated.arrived], [session, true])
    })
  )

  it.scoped("for a task that answers at once is one call", () =>
    Effect.gen(function* () {
      const { sessions } = yield* boot(JournalMemory.make(), {
        flow: flowOf({ run: () => Effect.succeed({ orderId: "o" }) })
      })
      const checkoutSessionId = yield* opened(sessions)
      const updated = yield* sessions.update(buyer, { checkoutSessionId, ...start }, wait)
      assert.isTrue(updated.arrived)
      assert.deepInclude(updated.session, { state: "Inventory", orderId: "o", version: 3 })
    })
  )

  it.scoped("goes on over the tries of a task, and ends with its failure", () =>
    Effect.gen(function* () {
      const hand = yield* handTask({ retry: { limit: 1 } })
      const { engine, sessions } = yield* boot(JournalMemory.make(), { flow: flowOf(hand.task) })
      const checkoutSessionId = yield* opened(sessions)
      const updating = yield* Effect.fork(sessions.update(buyer, { checkoutSessionId, ...start }, wait))
      yield* hand.called(0)
      yield* hand.fail(0, { code: "BUSY", message: "" })
      for (let turns = 0; turns < 5; turns++) yield* Effect.zipRight(TestClock.adjust(1_000), nextTick)
      yield* hand.called(1)
      assert.strictEqual(engine.metrics.sessions.attendants, 1)
      yield* hand.fail(1, { code: "BUSY", message: "" })
      const updated = yield* Fiber.join(updating)
      assert.deepInclude(updated, { arrived: true })
      assert.deepInclude(updated.session, { state: "Error", isError: true })
    })
  )
})
