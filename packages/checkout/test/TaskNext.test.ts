/** Work for some next states only, and work whose result chooses one of them, in this process. */
import { assert, describe, it } from "@effect/vitest"
import { Flow, type Task } from "@onelane/checkout"
import { JournalMemory } from "@onelane/engine"
import { Effect, TestClock } from "effect"
import { admin, boot, buyer, handTask, integrator, opened, settled, until } from "./fixture.js"

const transitions = { Edit: ["Ready"], Ready: ["Edit", "Authorised", "Paid"], Authorised: ["Paid"], Paid: [] }

const ready = (task: Task.Task) =>
  Effect.gen(function* () {
    const flow = Flow.defineFlow<Flow.Transitions>({
      name: "pay",
      initial: "Edit",
      transitions,
      tasks: { Ready: task }
    })
    const process = yield* boot(JournalMemory.make(), { flow })
    const id = yield* opened(process.sessions)
    const update = (expCurrentState: string, nextState: string, expectedVersion?: number) =>
      Effect.map(
        process.sessions.update(buyer, { checkoutSessionId: id, expCurrentState, nextState, expectedVersion }),
        ({ session }) => session
      )
    yield* update("Edit", "Ready")
    const last = Effect.map(process.sessions.history(admin, { checkoutSessionId: id }), (all) => all.at(-1)!)
    return { ...process, id, update, last, settled: settled(process.sessions, id) }
  })

describe("a task for some next states", () => {
  it.scoped("runs for those and for no others, nor for an edit in place", () =>
    Effect.gen(function* () {
      const hand = yield* handTask({ nextStates: ["Paid"] })
      const { update } = yield* ready(hand.task)
      assert.isFalse((yield* update("Ready", "Ready", 2)).isProcessing)
      assert.isFalse((yield* update("Ready", "Edit")).isProcessing)
      assert.isFalse((yield* update("Edit", "Ready")).isProcessing)
      assert.lengthOf(hand.calls, 0)
      assert.isTrue((yield* update("Ready", "Paid")).isProcessing)
      assert.strictEqual((yield* hand.called(0)).session.nextState, "Paid")
    })
  )

  it.scoped("an update with equal states runs no task, whatever the task is for", () =>
    Effect.gen(function* () {
      const hand = yield* handTask()
      const { settled, update } = yield* ready(hand.task)
      assert.deepInclude(yield* update("Ready", "Ready", 2), { state: "Ready", isProcessing: false, version: 3 })
      yield* TestClock.adjust(1_000)
      yield* settled
      assert.lengthOf(hand.calls, 0)
    })
  )
})

describe("a task whose result chooses", () => {
  it.scoped("moves the session there, whatever the update asked for", () =>
    Effect.gen(function* () {
      for (const [next, state] of [
        ["Paid", "Paid"],
        ["Edit", "Edit"],
        ["Authorised", "Authorised"],
        [null, "Authorised"],
        [undefined, "Authorised"]
      ] as const) {
        const { settled, update } = yield* ready({ run: async () => ({ next, orderId: "order-1" }) })
        yield* update("Ready", "Authorised")
        assert.deepInclude(yield* settled, { state, orderId: "order-1", isArchived: state === "Paid" })
      }
    })
  )

  it.scoped("fails with BAD_RESULT, once, for a state that may not follow, and the order stays in the history", () =>
    Effect.gen(function* () {
      for (const next of ["Ready", "Error", "Nowhere", "x".repeat(31), 7, "", {}])
        for (const orderId of ["order-1", null]) {
          let runs = 0
          const run = async () => {
            runs += 1
            return { orderId, next: next as string }
          }
          const { id, last, sessions, settled, update } = yield* ready({ run })
          const { operationId, workKey } = yield* update("Ready", "Authorised")
          assert.deepInclude(yield* settled, { state: "Error", isError: true, orderId: null, version: 4 })
          const entry = yield* last
          assert.deepInclude(entry, { type: "TaskFailed", reason: "BAD_RESULT", orderId, operationId })
          assert.isAbove(entry.cause!.message.length, 20)
          assert.strictEqual(runs, 1)
          // The next try goes on under the same key: it must not pay again.
          yield* update("Error", "Ready")
          assert.strictEqual((yield* update("Ready", "Authorised")).workKey, workKey)
          const told = { checkoutSessionId: id, operationId: operationId!, orderId: orderId ?? undefined }
          // A valid result of a host is not that one again: it is late, and kept.
          const late = yield* Effect.flip(sessions.completeTask(integrator, told))
          assert.deepInclude(late, { _tag: "OperationNotCurrent", reason: "OPERATION_LATE", recorded: true })
        }
    })
  )

  it.scoped("that comes too late with a state that may not follow keeps its order id all the same", () =>
    Effect.gen(function* () {
      for (const next of ["Ready", 7]) {
        const hand = yield* handTask()
        const { id, sessions, update } = yield* ready(hand.task)
        const { operationId } = yield* update("Ready", "Paid")
        yield* hand.called(0)
        // Work that does not let go.
        const run = hand.succeed(0, { orderId: "order-1", next: next as string })
        yield* sessions.releaseClaim(admin, { checkoutSessionId: id, operationId: operationId!, reason: "stuck" })
        yield* run
        const late = { checkoutSessionId: id, operationId: operationId!, orderId: "order-1" }
        const refused = yield* Effect.flip(sessions.completeTask(integrator, late))
        assert.deepInclude(refused, { _tag: "OperationNotCurrent", reason: "OPERATION_RELEASED", recorded: true })
      }
    })
  )

  it.scoped("a promise that ends after its deadline with a wrong state keeps its order id as a late result", () =>
    Effect.gen(function* () {
      let resolve: (value: Task.TaskSuccess) => void = () => {}
      const run = () => new Promise<Task.TaskSuccess>((done) => void (resolve = done))
      const { last, settled, update } = yield* ready({ run, deadlineMillis: 100 })
      yield* update("Ready", "Paid")
      yield* TestClock.adjust(100)
      assert.strictEqual((yield* settled).state, "Error")
      resolve({ orderId: "order-1", next: 7 as never })
      const entry = yield* until(last, ({ type }) => type === "LateResult")
      assert.strictEqual(entry.orderId, "order-1")
    })
  )
})
