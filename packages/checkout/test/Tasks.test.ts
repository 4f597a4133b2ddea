import { assert, describe, it } from "@effect/vitest"
import { JournalMemory } from "@onelane/engine"
import { Duration, Effect, TestClock } from "effect"
import { claiming, flowOf, start } from "./claiming.js"
import { boot, buyer, handTask, integrator, nextTick, opened, settled, until } from "./fixture.js"

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

    it.scoped("a failure that is thrown is taken as one that is rejected", () =>
      Effect.gen(function* () {
        const declined = { code: "DECLINED", message: "no funds", applied: "no", final: true } as const
        for (const run of [
          () => {
            throw declined
          },
          () => Promise.reject(declined)
        ]) {
          const { last, settled } = yield* claiming({ run })
          assert.deepInclude(yield* settled, { state: "Error" })
          assert.deepInclude(yield* last, { cause: { code: "DECLINED", message: "no funds" } })
        }
      })
    )

    it.scoped("a defect, and a throw, are final failures of the task and of nothing else", () =>
      Effect.gen(function* () {
        let runs = 0
        const thrown = () => {
          runs += 1
          throw new Error("kaputt")
        }
        const died = () => Effect.suspend(() => Effect.die(new Error(runs++ > 0 ? "kaputt" : "out of order")))
        for (const run of [thrown, died]) {
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
          { code: "FAILED", message: "text" },
          { code: "FAILED", message: "undefined" }
        ])
        for (const orderId of [7, "", "o".repeat(256)]) {
          const { last, settled } = yield* claiming({ run: () => Effect.succeed({ orderId } as never) })
          assert.deepInclude(yield* settled, { state: "Error", orderId: null })
          assert.strictEqual((yield* last).reason, "BAD_RESULT")
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
    it.scoped("a failure is tried again under the same ids, each within the longest pause", () =>
      Effect.gen(function* () {
        const { calls, called, fail, succeed, task } = yield* handTask({
          retry: { limit: 3, baseMillis: 100, maxMillis: 250 }
        })
        const { session, settled } = yield* claiming(task)
        for (const [index, longestMillis] of [100, 200, 250].entries()) {
          yield* called(index)
          yield* fail(index, { code: "BUSY", message: "later" })
          yield* nextTick
          assert.strictEqual(calls.length, index + 1)
          yield* TestClock.adjust(Duration.millis(longestMillis))
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
          retry: { limit: 100, baseMillis: 86_400_000, maxMillis: 86_400_000 }
        })
        yield* TestClock.adjust(1_000)
        assert.deepInclude(yield* settled, { state: "Error" })
        assert.strictEqual((yield* last).reason, "DEADLINE")
        assert.isAtMost(attempts, 2)
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
})
