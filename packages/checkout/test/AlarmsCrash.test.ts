import { assert, describe, it } from "@effect/vitest"
import { Effect, TestClock } from "effect"
import { crashed, flowOf, start, types } from "./crash.js"
import { admin, boot, buyer, type Crash, handTask, integrator, nextTick, settled, slowMemory } from "./fixture.js"

describe("Alarms: a crash at any point", () => {
  it.scoped("before the claim is committed: it never was; the state can be tried at once", () =>
    Effect.gen(function* () {
      const journal = slowMemory()
      const { calls, task } = yield* handTask()
      const at: Crash = { at: "Claimed", when: "before the commit" }
      const { checkoutSessionId, claim } = yield* crashed(journal, task, at, nextTick)
      assert.strictEqual(claim._tag, "Left")
      const { sessions } = yield* boot(journal, { flow: flowOf(task) })
      assert.deepInclude(yield* sessions.get(admin, { checkoutSessionId }), { state: "Start", version: 1 })
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual(calls.length, 0)
      yield* sessions.update(buyer, { checkoutSessionId, ...start })
    })
  )

  it.scoped("after the commit, before the answer and the task: the task runs, once, under the same ids", () =>
    Effect.gen(function* () {
      const journal = slowMemory()
      const { called, calls, succeed, task } = yield* handTask()
      const at: Crash = { at: "Claimed", when: "after the commit" }
      const { checkoutSessionId, claim } = yield* crashed(journal, task, at, nextTick)
      assert.deepInclude(claim._tag === "Left" ? claim.left : {}, { _tag: "StorageUnavailable", applied: "unknown" })
      assert.strictEqual(calls.length, 0)
      const { sessions } = yield* boot(journal, { flow: flowOf(task) })
      const context = yield* called(0)
      const claimed = yield* sessions.get(admin, { checkoutSessionId })
      assert.deepInclude(context, { requestId: claimed.lastRequestId!, operationId: claimed.operationId! })
      yield* succeed(0)
      assert.deepInclude(yield* settled(sessions, checkoutSessionId), { state: "Inventory" })
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual(calls.length, 1)
      assert.deepStrictEqual(yield* types(journal, checkoutSessionId), ["Opened", "Claimed", "TaskCompleted"])
    })
  )

  it.scoped("during the task: it is run again under the same request id, and stopped in the process that died", () =>
    Effect.gen(function* () {
      const journal = slowMemory()
      const { called, calls, succeed, task } = yield* handTask()
      const { checkoutSessionId } = yield* crashed(journal, task, null, called(0))
      assert.isTrue(calls[0]?.signal.aborted)
      const { sessions } = yield* boot(journal, { flow: flowOf(task) })
      yield* called(1)
      assert.strictEqual(calls[1]?.requestId, calls[0]?.requestId)
      assert.strictEqual(calls[1]?.operationId, calls[0]?.operationId)
      yield* succeed(1, { orderId: "order-1" })
      assert.deepInclude(yield* settled(sessions, checkoutSessionId), { state: "Inventory", orderId: "order-1" })
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual(calls.length, 2)
      assert.deepStrictEqual(yield* types(journal, checkoutSessionId), ["Opened", "Claimed", "TaskCompleted"])
    })
  )

  it.scoped("during a task that may not be repeated: it has failed, and did not run again", () =>
    Effect.gen(function* () {
      const journal = slowMemory()
      const { called, calls, task } = yield* handTask({ repeatable: false })
      const { checkoutSessionId } = yield* crashed(journal, task, null, called(0))
      const { sessions } = yield* boot(journal, { flow: flowOf(task) })
      assert.deepInclude(yield* settled(sessions, checkoutSessionId), { state: "Error", isError: true })
      const history = yield* sessions.history(admin, { checkoutSessionId })
      assert.deepInclude(history.at(-1), { type: "TaskFailed", reason: "INTERRUPTED", by: null })
      assert.strictEqual(calls.length, 1)
    })
  )

  for (const when of ["before the commit", "after the commit"] as const)
    it.scoped(`with the task done, ${when} of its result: its result counts once`, () =>
      Effect.gen(function* () {
        const journal = slowMemory()
        const { called, calls, succeed, task } = yield* handTask()
        const done = Effect.zipRight(called(0), Effect.zipRight(succeed(0), Effect.zipRight(nextTick, nextTick)))
        const { checkoutSessionId } = yield* crashed(journal, task, { at: "TaskCompleted", when }, done)
        const { sessions } = yield* boot(journal, { flow: flowOf(task) })
        if (when === "before the commit") {
          yield* called(1)
          assert.strictEqual(calls[1]?.requestId, calls[0]?.requestId)
          yield* succeed(1)
        }
        assert.deepInclude(yield* settled(sessions, checkoutSessionId), { state: "Inventory", version: 3 })
        yield* TestClock.adjust("5 seconds")
        assert.strictEqual(calls.length, when === "before the commit" ? 2 : 1)
        assert.deepStrictEqual(yield* types(journal, checkoutSessionId), ["Opened", "Claimed", "TaskCompleted"])
      })
    )

  it.scoped("of work the host does elsewhere: the claim stays open, and the result is taken after the restart", () =>
    Effect.gen(function* () {
      const journal = slowMemory()
      const { checkoutSessionId, claim } = yield* crashed(journal, { deadlineMillis: 10_000 }, null, nextTick)
      assert.strictEqual(claim._tag, "Right")
      const { sessions } = yield* boot(journal, { flow: flowOf({ deadlineMillis: 10_000 }) })
      yield* TestClock.adjust("9 seconds")
      const { operationId } = yield* sessions.get(admin, { checkoutSessionId })
      yield* sessions.completeTask(integrator, { checkoutSessionId, operationId: operationId! })
      assert.deepInclude(yield* settled(sessions, checkoutSessionId), { state: "Inventory" })
    })
  )

  it.scoped("many crashes in a row: one claim, one result", () =>
    Effect.gen(function* () {
      const journal = slowMemory()
      const { called, calls, succeed, task } = yield* handTask({ deadlineMillis: 86_400_000 })
      const { checkoutSessionId } = yield* crashed(journal, task, null, called(0))
      for (let n = 1; n <= 10; n++) {
        const process = yield* boot(journal, { flow: flowOf(task) })
        yield* called(n)
        if (n === 10) {
          yield* succeed(n)
          yield* settled(process.sessions, checkoutSessionId)
        }
        yield* process.crash
      }
      assert.strictEqual(new Set(calls.map(({ requestId }) => requestId)).size, 1)
      assert.deepStrictEqual(yield* types(journal, checkoutSessionId), ["Opened", "Claimed", "TaskCompleted"])
    })
  )
})
