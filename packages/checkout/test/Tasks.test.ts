import { assert, describe, it } from "@effect/vitest"
import { Flow, type Task } from "@onelane/checkout"
import { type Journal, JournalMemory } from "@onelane/engine"
import { Deferred, Duration, Effect, Exit, Fiber, TestClock } from "effect"
import {
  admin,
  boot,
  buyer,
  handTask,
  integrator,
  nextTick,
  opened,
  type ProcessOptions,
  settled,
  until
} from "./fixture.js"

const flowOf = (task: Task.Task) => Flow.withTasks(Flow.b2b, { Start: task })
const start = { expCurrentState: "Start", nextState: "Inventory" }

/** A process over empty memory with a session whose state `Start` has this task. */
const claiming = (task: Task.Task, options: ProcessOptions = {}) =>
  Effect.gen(function* () {
    const process = yield* boot(JournalMemory.make(), { flow: flowOf(task), ...options })
    const checkoutSessionId = yield* opened(process.sessions)
    const claim = yield* process.sessions.update(buyer, { checkoutSessionId, ...start })
    const get = process.sessions.get(admin, { checkoutSessionId })
    const last = Effect.map(process.sessions.history(admin, { checkoutSessionId }), (entries) => entries.at(-1)!)
    return { ...process, checkoutSessionId, ...claim, get, last, settled: settled(process.sessions, checkoutSessionId) }
  })

describe("Tasks", () => {
  describe("running", () => {
    it.scoped("an accepted update claims, the task runs outside the turn, its success moves the session", () =>
      Effect.gen(function* () {
        const { called, succeed, task } = yield* handTask()
        const { get, requestId, session, settled, last } = yield* claiming(task)
        assert.deepInclude(session, { state: "Start", nextState: "Inventory", isProcessing: true })
        const context = yield* called(0)
        assert.deepInclude(context, { requestId, operationId: session.operationId!, attempt: 1 })
        assert.deepStrictEqual(context.session, session)
        // The lane is free meanwhile: a read is answered.
        assert.isTrue((yield* get).isProcessing)
        yield* succeed(0, { orderId: "order-1" })
        assert.deepInclude(yield* settled, { state: "Inventory", orderId: "order-1", version: 3, isProcessing: false })
        assert.deepInclude(yield* last, { type: "TaskCompleted", by: null, operationId: session.operationId })
        assert.isFalse(context.signal.aborted)
      })
    )

    it.scoped("a final failure goes to Error at once, with its cause in the history, and Error leads on again", () =>
      Effect.gen(function* () {
        const { calls, called, fail, task } = yield* handTask()
        const { checkoutSessionId, last, sessions, settled } = yield* claiming(task)
        yield* called(0)
        yield* fail(0, { code: "DECLINED", message: "no funds", final: true })
        assert.deepInclude(yield* settled, { state: "Error", isError: true, version: 3 })
        assert.deepInclude(yield* last, {
          type: "TaskFailed",
          reason: "DECLINED",
          cause: { code: "DECLINED", message: "no funds" }
        })
        assert.strictEqual(calls.length, 1)
        const retry = { checkoutSessionId, expCurrentState: "Error", nextState: "Start" }
        assert.deepInclude((yield* sessions.update(buyer, retry)).session, { state: "Start", isError: false })
        yield* sessions.update(buyer, { checkoutSessionId, ...start })
        assert.notStrictEqual((yield* called(1)).operationId, calls[0]?.operationId)
      })
    )

    it.scoped("a defect, and a throw, are final failures of the task and of nothing else", () =>
      Effect.gen(function* () {
        let runs = 0
        const explode = () => {
          runs += 1
          throw new Error("kaputt")
        }
        for (const run of [explode, () => Effect.sync(explode)]) {
          const { last, settled } = yield* claiming({ run })
          assert.deepInclude(yield* settled, { state: "Error" })
          assert.deepInclude(yield* last, { cause: { code: "DEFECT", message: "kaputt" } })
        }
        assert.strictEqual(runs, 2)
      })
    )

    it.scoped("whatever a host fails or succeeds with, what is kept is bounded text", () =>
      Effect.gen(function* () {
        const causes: Array<unknown> = []
        const failures = [{ code: "c".repeat(999), message: "m".repeat(9_999) }, new Error("plain"), "text", undefined]
        for (const failure of failures) {
          const { last } = yield* claiming({ run: () => Effect.fail(failure as never), retry: { limit: 0 } })
          causes.push((yield* until(last, ({ type }) => type === "TaskFailed")).cause)
        }
        assert.deepStrictEqual(causes, [
          { code: "c".repeat(255), message: "m".repeat(4_000) },
          { code: "FAILED", message: "plain" },
          { code: "FAILED", message: "" },
          { code: "FAILED", message: "" }
        ])
        for (const orderId of [7, "", "o".repeat(256)]) {
          const { last, settled } = yield* claiming({ run: () => Effect.succeed({ orderId } as never) })
          assert.deepInclude(yield* settled, { state: "Error", orderId: null })
          assert.strictEqual((yield* last).reason, "DEFECT")
        }
      })
    )

    it.scoped("no more tasks than the capacity run at once; the others wait and their deadlines run", () =>
      Effect.gen(function* () {
        const { calls, called, succeed, task } = yield* handTask({ deadlineMillis: 5_000 })
        const { sessions } = yield* boot(JournalMemory.make(), { flow: flowOf(task), taskCapacity: 2 })
        const ids: Array<string> = []
        for (const cart of ["a", "b", "c", "d"]) ids.push(yield* opened(sessions, cart))
        yield* Effect.forEach(ids, (checkoutSessionId) => sessions.update(buyer, { checkoutSessionId, ...start }))
        yield* called(1)
        yield* nextTick
        assert.strictEqual(calls.length, 2)
        yield* succeed(0)
        yield* called(2)
        yield* TestClock.adjust(5_000)
        const waiting = ids.find((id) => !calls.some(({ session }) => session.id === id))!
        assert.deepInclude(yield* settled(sessions, waiting), { state: "Error" })
        yield* nextTick
        assert.strictEqual(calls.length, 3)
      })
    )
  })

  describe("retrying", () => {
    it.scoped("a failure is tried again under the same ids, with pauses that grow within their bounds", () =>
      Effect.gen(function* () {
        const { calls, called, fail, succeed, task } = yield* handTask({
          retry: { limit: 3, baseMillis: 100, maxMillis: 250 }
        })
        const { session, settled } = yield* claiming(task)
        for (const [index, longestMillis] of [100, 200, 250].entries()) {
          yield* called(index)
          yield* fail(index, { code: "BUSY", message: "later" })
          yield* nextTick
          yield* TestClock.adjust(Duration.millis(longestMillis / 2 - 1))
          yield* nextTick
          assert.strictEqual(calls.length, index + 1, "too early")
          yield* TestClock.adjust(Duration.millis(longestMillis / 2 + 1))
          yield* called(index + 1)
        }
        yield* succeed(3)
        assert.deepInclude(yield* settled, { state: "Inventory" })
        assert.deepStrictEqual(
          calls.map(({ attempt, operationId }) => [attempt, operationId]),
          [1, 2, 3, 4].map((attempt) => [attempt, session.operationId])
        )
      })
    )

    it.scoped("after the limit the last failure is the cause", () =>
      Effect.gen(function* () {
        let attempts = 0
        const run = () => Effect.suspend(() => Effect.fail({ code: `TRY_${++attempts}`, message: "" }))
        const { last, settled } = yield* claiming({ run, retry: { limit: 2, baseMillis: 10 } })
        yield* TestClock.adjust(1_000)
        assert.deepInclude(yield* settled, { state: "Error" })
        assert.strictEqual((yield* last).reason, "TRY_3")
        assert.strictEqual(attempts, 3)
      })
    )

    it.scoped("a failure that says final during the tries ends them", () =>
      Effect.gen(function* () {
        let attempts = 0
        const run = () => Effect.suspend(() => Effect.fail({ code: "NO", message: "", final: ++attempts === 2 }))
        const { settled } = yield* claiming({ run, retry: { limit: 9, baseMillis: 10 } })
        yield* TestClock.adjust(10_000)
        yield* settled
        assert.strictEqual(attempts, 2)
      })
    )
  })

  describe("deadline", () => {
    it.scoped("a task past its deadline has failed; its signal is aborted and its result is refused", () =>
      Effect.gen(function* () {
        const { called, task } = yield* handTask({ deadlineMillis: 5_000 })
        const { checkoutSessionId, last, session, sessions, settled } = yield* claiming(task)
        const { signal } = yield* called(0)
        yield* TestClock.adjust(4_999)
        yield* nextTick
        assert.isFalse(signal.aborted)
        yield* TestClock.adjust(1)
        assert.deepInclude(yield* settled, { state: "Error" })
        assert.strictEqual((yield* last).reason, "DEADLINE")
        assert.isTrue(signal.aborted)
        const late = { checkoutSessionId, operationId: session.operationId! }
        assert.strictEqual((yield* Effect.flip(sessions.completeTask(integrator, late)))._tag, "OperationNotCurrent")
      })
    )

    it.scoped("covers all tries: a pause that would pass it is cut", () =>
      Effect.gen(function* () {
        let attempts = 0
        const run = () => Effect.suspend(() => Effect.fail({ code: "BUSY", message: `${++attempts}` }))
        const { last, settled } = yield* claiming({
          run,
          deadlineMillis: 1_000,
          retry: { limit: 100, baseMillis: 600, maxMillis: 600 }
        })
        yield* TestClock.adjust(1_000)
        assert.deepInclude(yield* settled, { state: "Error" })
        assert.strictEqual((yield* last).reason, "DEADLINE")
        assert.isAtMost(attempts, 4)
      })
    )

    it.scoped("work that does not let go cannot stretch it", () =>
      Effect.gen(function* () {
        const run = () => Effect.uninterruptible(Effect.sleep(10_000))
        const { last, settled } = yield* claiming({ run, deadlineMillis: 1_000 })
        yield* nextTick
        yield* TestClock.adjust(1_000)
        assert.deepInclude(yield* settled, { state: "Error" })
        assert.strictEqual((yield* last).reason, "DEADLINE")
        yield* TestClock.adjust(10_000)
      })
    )

    it.scoped("of work the host does elsewhere fails the claim too, and only one that still runs", () =>
      Effect.gen(function* () {
        const late = yield* claiming({ deadlineMillis: 1_000 })
        const done = yield* claiming({ deadlineMillis: 1_000 })
        const result = { checkoutSessionId: done.checkoutSessionId, operationId: done.session.operationId! }
        yield* done.sessions.completeTask(integrator, result)
        yield* TestClock.adjust(1_000)
        assert.deepInclude(yield* late.settled, { state: "Error" })
        assert.strictEqual((yield* late.last).reason, "DEADLINE")
        assert.deepInclude(yield* done.get, { state: "Inventory", version: 3 })
      })
    )
  })

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
