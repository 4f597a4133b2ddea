/** A provider that keeps idempotency keys for ever, as they do, and tasks that ask it under the work key. */
import { assert, describe, it } from "@effect/vitest"
import { Flow, type Task } from "@onelane/checkout"
import { JournalMemory } from "@onelane/engine"
import { Effect, TestClock } from "effect"
import { claiming, flowOf, start } from "./claiming.js"
import { admin, boot, buyer, handTask, integrator, nextTick, opened, type Sessions, settled, until } from "./fixture.js"

/** Takes money once a key; answers when it is let. */
const provider = () => {
  const charges = new Map<string, string>()
  const waiting: Array<() => void> = []
  const keys: Array<string> = []
  return {
    charges,
    keys,
    answer: () => waiting.splice(0).forEach((each) => void each()),
    charge: (key: string): Promise<string> => {
      keys.push(key)
      const orderId = charges.get(key) ?? `order-${charges.size + 1}`
      charges.set(key, orderId)
      return new Promise((resolve) => waiting.push(() => resolve(orderId)))
    }
  }
}

const payBy = (bank: ReturnType<typeof provider>, more: Partial<Task.Task> = {}): Task.Task => ({
  retry: { limit: 0 },
  deadlineMillis: 1_000,
  run: async ({ workKey }) => ({ orderId: await bank.charge(workKey) }),
  ...more
})

/** From `Error` back to the state with the task, which is claimed again. */
const tryAgain = (sessions: Sessions, checkoutSessionId: string) =>
  Effect.zipRight(
    sessions.update(buyer, { checkoutSessionId, expCurrentState: "Error", nextState: "Start" }),
    sessions.update(buyer, { checkoutSessionId, ...start })
  )

const asked = (bank: ReturnType<typeof provider>, times: number) =>
  until(
    Effect.sync(() => bank.keys.length),
    (length) => length === times
  )

describe("the work key", () => {
  it.scoped("a provider that answers after the deadline is paid once, and its late answer is kept", () =>
    Effect.gen(function* () {
      const bank = provider()
      const { checkoutSessionId, sessions, settled: ended } = yield* claiming(payBy(bank))
      yield* asked(bank, 1)
      yield* TestClock.adjust("1 second")
      assert.deepInclude(yield* ended, { state: "Error", orderId: null })
      bank.answer()
      const late = yield* until(sessions.history(admin, { checkoutSessionId }), (entries) => entries.length === 4)
      assert.deepInclude(late[3], {
        type: "LateResult",
        orderId: "order-1",
        from: "Error",
        by: null,
        workKey: bank.keys[0]!
      })
      assert.deepInclude(yield* ended, { state: "Error", orderId: null, version: 4 })
      yield* tryAgain(sessions, checkoutSessionId)
      yield* asked(bank, 2)
      bank.answer()
      assert.deepInclude(yield* settled(sessions, checkoutSessionId), { state: "Inventory", orderId: "order-1" })
      assert.strictEqual(bank.charges.size, 1)
      assert.strictEqual(new Set(bank.keys).size, 1)
    })
  )

  it.scoped("a task that fails after its own commit makes one order, however often a buyer tries", () =>
    Effect.gen(function* () {
      const orders = new Map<string, string>()
      let fails = 2
      const { checkoutSessionId, sessions } = yield* claiming({
        retry: { limit: 0 },
        run: ({ workKey }) => {
          if (!orders.has(workKey)) orders.set(workKey, `order-${orders.size + 1}`)
          if (fails-- > 0) throw new Error("after the commit")
          return { orderId: orders.get(workKey)! }
        }
      })
      for (let again = 0; again < 2; again++) {
        assert.strictEqual((yield* settled(sessions, checkoutSessionId)).state, "Error")
        yield* tryAgain(sessions, checkoutSessionId)
      }
      assert.deepInclude(yield* settled(sessions, checkoutSessionId), { state: "Inventory", orderId: "order-1" })
      assert.strictEqual(orders.size, 1)
    })
  )

  it.scoped(
    "outlives a crash, a release and a failure that says nothing; a declined payment ends it, and so does a success",
    () =>
      Effect.gen(function* () {
        const journal = JournalMemory.make()
        const { called, calls, fail, succeed, task } = yield* handTask({ retry: { limit: 0 } })
        const first = yield* boot(journal, { flow: flowOf(task) })
        const checkoutSessionId = yield* opened(first.sessions)
        yield* first.sessions.update(buyer, { checkoutSessionId, ...start })
        yield* called(0)
        yield* first.crash
        const { sessions } = yield* boot(journal, { flow: flowOf(task) })
        const { operationId } = yield* called(1)
        yield* sessions.releaseClaim(admin, { checkoutSessionId, operationId, reason: "stuck" })
        yield* sessions.update(buyer, { checkoutSessionId, ...start })
        yield* called(2)
        yield* fail(2, { code: "LOST", message: "no answer" })
        yield* settled(sessions, checkoutSessionId)
        yield* tryAgain(sessions, checkoutSessionId)
        yield* called(3)
        yield* fail(3, { code: "DECLINED", message: "no funds", applied: "no" })
        yield* settled(sessions, checkoutSessionId)
        yield* tryAgain(sessions, checkoutSessionId)
        yield* called(4)
        yield* succeed(4)
        yield* settled(sessions, checkoutSessionId)
        const [key, ...rest] = calls.map(({ workKey }) => workKey)
        assert.match(key!, /^[\x21-\x7e]{1,255}$/)
        assert.deepStrictEqual(rest.slice(0, 3), [key, key, key])
        assert.notStrictEqual(rest[3], key)
        assert.strictEqual(calls[4]!.session.workKey, rest[3])
        assert.strictEqual(new Set(calls.map(({ requestId }) => requestId)).size, 4)
      })
  )

  it.scoped("a later visit of the state after a success gets a new one, and another state has its own", () =>
    Effect.gen(function* () {
      const { calls, called, fail, succeed, task } = yield* handTask({ retry: { limit: 0 } })
      const flow = Flow.withTasks(flowOf(task), { Inventory: task })
      const { sessions } = yield* boot(JournalMemory.make(), { flow })
      const checkoutSessionId = yield* opened(sessions)
      yield* sessions.update(buyer, { checkoutSessionId, ...start })
      yield* called(0)
      yield* succeed(0)
      yield* settled(sessions, checkoutSessionId)
      yield* sessions.update(buyer, { checkoutSessionId, expCurrentState: "Inventory", nextState: "Confirm Price" })
      yield* called(1)
      yield* fail(1, { code: "LOST", message: "" })
      yield* settled(sessions, checkoutSessionId)
      yield* tryAgain(sessions, checkoutSessionId)
      yield* called(2)
      assert.strictEqual(new Set(calls.map(({ workKey }) => workKey)).size, 3)
    })
  )

  it.scoped("host-run work finds it in the session while it runs, and closes it by failTask with applied no", () =>
    Effect.gen(function* () {
      const { checkoutSessionId, session, sessions } = yield* claiming({})
      const fail = (operationId: string, applied?: "no") =>
        sessions.failTask(integrator, { checkoutSessionId, operationId, code: "DECLINED", applied })
      assert.isNull((yield* fail(session.operationId!)).session.workKey)
      yield* tryAgain(sessions, checkoutSessionId)
      const again = yield* sessions.get(admin, { checkoutSessionId })
      assert.strictEqual(again.workKey, session.workKey)
      yield* fail(again.operationId!, "no")
      yield* tryAgain(sessions, checkoutSessionId)
      assert.notStrictEqual((yield* sessions.get(admin, { checkoutSessionId })).workKey, session.workKey)
    })
  )
})

describe("late successes of tasks in this process", () => {
  const cases = {
    "a cancel": {
      reason: "Cancelled",
      close: (sessions: Sessions, id: string) => sessions.cancel(buyer, { checkoutSessionId: id })
    },
    "a release": {
      reason: "ClaimReleased",
      close: (sessions: Sessions, checkoutSessionId: string) =>
        Effect.flatMap(sessions.get(admin, { checkoutSessionId }), ({ operationId }) =>
          sessions.releaseClaim(admin, { checkoutSessionId, operationId: operationId!, reason: "stuck" })
        )
    }
  }
  for (const [name, { close, reason }] of Object.entries(cases))
    it.scoped(`a Promise that succeeds after ${name} is kept with its order, once, and shown in the history`, () =>
      Effect.gen(function* () {
        const bank = provider()
        const { checkoutSessionId, get, session, sessions } = yield* claiming(payBy(bank))
        yield* asked(bank, 1)
        yield* close(sessions, checkoutSessionId)
        const before = yield* get
        bank.answer()
        const history = yield* until(sessions.history(admin, { checkoutSessionId }), (entries) => entries.length === 4)
        assert.deepStrictEqual(
          history.map(({ type }) => type),
          ["Opened", "Claimed", reason, "LateResult"]
        )
        const { operationId, workKey } = session
        assert.deepInclude(history[3], { orderId: "order-1", operationId, workKey, from: "Start", to: null, by: null })
        const after = yield* get
        assert.deepInclude(after, { state: before.state, orderId: null, isArchived: before.isArchived })
        assert.strictEqual(after.version, before.isArchived ? before.version : before.version + 1)
        const told = { checkoutSessionId, operationId: operationId!, orderId: "order-1" }
        for (let again = 0; again < 2; again++) {
          const refused = yield* Effect.flip(sessions.completeTask(integrator, told))
          assert.deepInclude(refused, { _tag: "OperationNotCurrent", recorded: true, applied: "no" })
        }
        assert.deepStrictEqual(yield* sessions.history(admin, { checkoutSessionId }), history)
      })
    )

  it.scoped("a success that waits for the store is not lost when the claim is taken away meanwhile", () =>
    Effect.gen(function* () {
      const memory = JournalMemory.make()
      let full = false
      const failure = { _tag: "JournalFailure", applied: "no", reason: "DISK_FULL" } as const
      const journal: typeof memory = {
        ...memory,
        append: (batch) => (full ? Effect.fail(failure) : memory.append(batch))
      }
      const { called, succeed, task } = yield* handTask()
      const { sessions } = yield* boot(journal, { flow: flowOf(task) })
      const checkoutSessionId = yield* opened(sessions)
      yield* sessions.update(buyer, { checkoutSessionId, ...start })
      yield* called(0)
      full = true
      yield* succeed(0, { orderId: "order-1" })
      yield* nextTick
      full = false
      yield* sessions.cancel(buyer, { checkoutSessionId })
      yield* TestClock.adjust("10 seconds")
      const history = yield* until(sessions.history(admin, { checkoutSessionId }), (entries) => entries.length === 4)
      assert.deepInclude(history[3], { type: "LateResult", orderId: "order-1" })
    })
  )
})
