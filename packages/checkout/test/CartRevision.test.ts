/** A cart that changes while a task runs: noted in the history, told to the task that is tried again, or refused. */
import { assert, describe, it } from "@effect/vitest"
import { type Carts, Flow, type Task } from "@onelane/checkout"
import { JournalMemory } from "@onelane/engine"
import { Effect, Exit, TestClock } from "effect"
import { admin, boot, buyer, handTask, settled } from "./fixture.js"

const world = (task: Task.Task, revision: Carts.CartRevision | null = "r1") =>
  Effect.gen(function* () {
    const now = { revision }
    const cart = { id: "cart-1", storeId: "s", accountId: "a", ownerId: "buyer", status: "Active" } as const
    const carts: Carts.CartsShape = { find: () => Exit.succeed({ ...cart, revision: now.revision }) }
    const journal = JournalMemory.make()
    const flow = Flow.withTasks(Flow.b2b, { Start: task })
    const boots = boot(journal, { carts, flow })
    const process = yield* boots
    const { session } = yield* process.sessions.open(buyer, { cartId: "cart-1" })
    const claimed = yield* process.sessions.update(buyer, {
      checkoutSessionId: session.id,
      expCurrentState: "Start",
      nextState: "Inventory"
    })
    return { now, boots, process, id: session.id, operationId: claimed.session.operationId! }
  })

const last = (history: ReadonlyArray<{ readonly type: string; readonly cartChanged: boolean }>) => {
  const { type, cartChanged } = history[history.length - 1]!
  return `${type} ${cartChanged}`
}

describe("a cart that changes while a task runs", () => {
  it.scoped("is noted with the result of a task here and of one that the host runs; an unchanged one is not", () =>
    Effect.gen(function* () {
      for (const [here, next, noted] of [
        [true, "r2", true],
        [true, "r1", false],
        [false, 2, true],
        [false, "r1", false]
      ] as const) {
        const hand = yield* handTask()
        const { id, now, operationId, process } = yield* world(here ? hand.task : {})
        if (here) yield* hand.called(0)
        now.revision = next
        if (here) yield* hand.succeed(0)
        else yield* process.sessions.completeTask(admin, { checkoutSessionId: id, operationId })
        assert.strictEqual((yield* settled(process.sessions, id)).state, "Inventory")
        const history = yield* process.sessions.history(admin, { checkoutSessionId: id })
        assert.strictEqual(last(history), `TaskCompleted ${noted}`)
      }
    })
  )

  it.scoped("fails a task that refuses it, and the order it made stays in the history", () =>
    Effect.gen(function* () {
      const { id, now, operationId, process } = yield* world({ whenCartChanged: "refuse" })
      now.revision = "r2"
      const input = { checkoutSessionId: id, operationId, orderId: "order-1" }
      const { session } = yield* process.sessions.completeTask(admin, input)
      assert.deepInclude(session, { state: "Error", isError: true, isProcessing: false, orderId: null })
      const history = yield* process.sessions.history(admin, { checkoutSessionId: id })
      assert.deepInclude(history[2], {
        type: "TaskFailed",
        reason: "CART_CHANGED",
        cartChanged: true,
        orderId: "order-1"
      })
    })
  )

  it.scoped("a cart without a revision has never changed", () =>
    Effect.gen(function* () {
      const { id, now, operationId, process } = yield* world({ whenCartChanged: "refuse" }, null)
      now.revision = "r2"
      yield* process.sessions.completeTask(admin, { checkoutSessionId: id, operationId })
      assert.strictEqual((yield* settled(process.sessions, id)).state, "Inventory")
    })
  )

  it.scoped(
    "a task that is tried again, or resumed after a crash, is told the revision at its claim and that it changed",
    () =>
      Effect.gen(function* () {
        const hand = yield* handTask({ retry: { limit: 1, baseMillis: 1 } })
        const { boots, now, process } = yield* world(hand.task)
        const first = yield* hand.called(0)
        assert.deepInclude(first, { cartRevision: "r1", cartChanged: false, attempt: 1 })
        now.revision = "r2"
        yield* hand.fail(0, { code: "BUSY", message: "" })
        yield* TestClock.adjust("1 second")
        assert.deepInclude(yield* hand.called(1), { cartRevision: "r1", cartChanged: true, attempt: 2 })
        yield* process.crash
        yield* boots
        assert.deepInclude(yield* hand.called(2), { cartRevision: "r1", cartChanged: true, attempt: 1 })
      })
  )
})
