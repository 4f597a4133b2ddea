import { assert, describe, it } from "@effect/vitest"
import { Flow } from "@onelane/checkout"
import { type Journal, JournalMemory } from "@onelane/engine"
import { Deferred, Effect, Exit, Fiber, TestClock } from "effect"
import { claiming, flowOf, start } from "./claiming.js"
import { admin, boot, buyer, handTask, integrator, nextTick, opened, settled, until } from "./fixture.js"

describe("Tasks", () => {
  describe("stopping", () => {
    it.scoped("a cancel stops the task, and a result that comes all the same is dropped", () =>
      Effect.gen(function* () {
        const { called, task } = yield* handTask()
        const { checkoutSessionId, get, sessions } = yield* claiming(task)
        const { signal } = yield* called(0)
        yield* sessions.cancel(buyer, { checkoutSessionId })
        yield* until(
          Effect.sync(() => signal.aborted),
          Boolean
        )
        assert.deepInclude(yield* get, { isArchived: true, version: 3 })
      })
    )

    it.scoped("a released claim stops the task, says who and why, and the state can be tried again", () =>
      Effect.gen(function* () {
        const { called, calls, task } = yield* handTask()
        const { checkoutSessionId, last, session, sessions } = yield* claiming(task)
        const { signal } = yield* called(0)
        const release = { checkoutSessionId, operationId: session.operationId!, reason: "stuck at the PSP" }
        yield* sessions.releaseClaim(admin, release)
        yield* until(
          Effect.sync(() => signal.aborted),
          Boolean
        )
        assert.deepInclude(yield* last, { type: "ClaimReleased", by: "admin", reason: "stuck at the PSP" })
        yield* sessions.update(buyer, { checkoutSessionId, ...start })
        yield* called(1)
        assert.notStrictEqual(calls[1]?.requestId, calls[0]?.requestId)
        assert.strictEqual((yield* Effect.flip(sessions.releaseClaim(admin, release)))._tag, "OperationNotCurrent")
      })
    )

    it.scoped("a caller who leaves does not stop the task", () =>
      Effect.gen(function* () {
        const { called, succeed, task } = yield* handTask()
        const { sessions } = yield* boot(JournalMemory.make(), { flow: flowOf(task) })
        const checkoutSessionId = yield* opened(sessions)
        const caller = yield* Effect.fork(sessions.update(buyer, { checkoutSessionId, ...start }))
        yield* called(0)
        yield* Fiber.interrupt(caller)
        yield* succeed(0)
        assert.deepInclude(yield* settled(sessions, checkoutSessionId), { state: "Inventory" })
      })
    )

    it.scoped("a drain waits for tasks within its bound and stops the rest, whose claims stay", () =>
      Effect.gen(function* () {
        const { called, succeed, task } = yield* handTask()
        const journal = JournalMemory.make()
        const { engine, sessions } = yield* boot(journal, { flow: flowOf(task), taskDrainMillis: 5_000 })
        const [quick, slow] = [yield* opened(sessions, "a"), yield* opened(sessions, "b")]
        for (const checkoutSessionId of [quick, slow]) yield* sessions.update(buyer, { checkoutSessionId, ...start })
        const { signal } = yield* called(1)
        const drained = yield* Effect.fork(engine.drain)
        yield* nextTick
        assert.deepInclude(yield* Effect.flip(sessions.get(admin, { checkoutSessionId: quick })), {
          reason: "DRAINING"
        })
        yield* succeed(0)
        yield* TestClock.adjust(4_999)
        yield* nextTick
        assert.isFalse(signal.aborted)
        yield* TestClock.adjust(10_000)
        assert.isTrue(yield* Fiber.join(drained))
        assert.isTrue(signal.aborted)
        const next = yield* boot(journal, { flow: Flow.b2b })
        assert.deepInclude(yield* next.sessions.get(admin, { checkoutSessionId: quick }), { state: "Inventory" })
        assert.deepInclude(yield* next.sessions.get(admin, { checkoutSessionId: slow }), { isProcessing: true })
      })
    )

    it.scoped("a drain does not wait for work that the host does elsewhere", () =>
      Effect.gen(function* () {
        const { engine } = yield* claiming({ deadlineMillis: 80_000_000 }, { taskDrainMillis: 1_000_000 })
        assert.isTrue(yield* engine.drain)
      })
    )
  })

  describe("telling the result", () => {
    it.scoped("a result that finds no store is told again until it is durable, and the task does not run again", () =>
      Effect.gen(function* () {
        const memory = JournalMemory.make()
        const failure = { _tag: "JournalFailure", applied: "no", reason: "DISK_FULL" } as const
        let full = false
        const journal: Journal.JournalShape = {
          ...memory,
          append: (batch) => (full ? Exit.fail(failure) : memory.append(batch))
        }
        const { calls, called, succeed, task } = yield* handTask({ deadlineMillis: 86_400_000 })
        const { sessions } = yield* boot(journal, { flow: flowOf(task), alarmMillis: 30_000 })
        const checkoutSessionId = yield* opened(sessions)
        yield* sessions.update(buyer, { checkoutSessionId, ...start })
        yield* called(0)
        full = true
        yield* succeed(0)
        yield* TestClock.adjust("1 minute")
        assert.isTrue((yield* sessions.get(admin, { checkoutSessionId })).isProcessing)
        full = false
        yield* TestClock.adjust("5 seconds")
        assert.deepInclude(yield* settled(sessions, checkoutSessionId), { state: "Inventory", version: 3 })
        assert.strictEqual(calls.length, 1)
      })
    )

    it.scoped("a result whose commit was in doubt counts once", () =>
      Effect.gen(function* () {
        const memory = JournalMemory.make()
        const unknown = Exit.fail({ _tag: "JournalFailure", applied: "unknown", reason: "IO" } as const)
        let doubtful = false
        const journal: Journal.JournalShape = {
          ...memory,
          append: (batch) => (doubtful ? Effect.zipRight(memory.append(batch), unknown) : memory.append(batch))
        }
        const { called, succeed, task } = yield* handTask()
        const { sessions } = yield* boot(journal, { flow: flowOf(task) })
        const checkoutSessionId = yield* opened(sessions)
        yield* sessions.update(buyer, { checkoutSessionId, ...start })
        yield* called(0)
        doubtful = true
        yield* succeed(0)
        yield* settled(sessions, checkoutSessionId)
        yield* TestClock.adjust("1 minute")
        const history = yield* sessions.history(admin, { checkoutSessionId })
        assert.deepStrictEqual(
          history.map(({ type }) => type),
          ["Opened", "Claimed", "TaskCompleted"]
        )
      })
    )

    it.scoped("a result and the same result from the host race: one counts, the other is told the truth", () =>
      Effect.gen(function* () {
        const gate = yield* Deferred.make<void>()
        const { checkoutSessionId, last, session, sessions, settled } = yield* claiming({
          run: () => Effect.as(Deferred.await(gate), { orderId: "from-the-task" })
        })
        const result = { checkoutSessionId, operationId: session.operationId!, orderId: "from-the-webhook" }
        yield* Deferred.succeed(gate, undefined)
        const told = yield* Effect.either(sessions.completeTask(integrator, result))
        const after = yield* settled
        assert.strictEqual(after.version, 3)
        assert.strictEqual((yield* last).type, "TaskCompleted")
        if (told._tag === "Right") assert.strictEqual(after.orderId, "from-the-webhook")
        else {
          assert.strictEqual(after.orderId, "from-the-task")
          assert.deepInclude(told.left, { _tag: "OperationNotCurrent" })
        }
      })
    )
  })
})
