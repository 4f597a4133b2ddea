/** States that proceed, with work in this process: through crashes, deadlines and changed carts, and to their bounds. */
import { assert, describe, it } from "@effect/vitest"
import { type Carts, Flow, type Task } from "@onelane/checkout"
import { JournalMemory } from "@onelane/engine"
import { Effect, Exit, TestClock } from "effect"
import { followUpMax } from "../src/commands/Proceeding.js"
import { admin, boot, buyer, handTask, nextTick, opened, type ProcessOptions, settled, until } from "./fixture.js"

const transitions = { Start: ["A"], A: ["B", "Screen"], B: ["C"], C: ["Screen", "A"], Screen: ["Done", "A"], Done: [] }
const proceed = { A: "B", B: "C", C: "Screen" }
const flowOf = (tasks: { readonly [state: string]: Task.Task }) =>
  Flow.defineFlow<Flow.Transitions>({ name: "chain", initial: "Start", transitions, proceed, tasks })

const chain = (tasks: { readonly [state: string]: Task.Task }, options: ProcessOptions = {}) =>
  Effect.gen(function* () {
    const journal = JournalMemory.make()
    const boots = (more: ProcessOptions = {}) => boot(journal, { flow: flowOf(tasks), ...options, ...more })
    const process = yield* boots()
    const id = yield* opened(process.sessions, "cart-1", { expiresInMillis: 60_000 })
    const update = { checkoutSessionId: id, expCurrentState: "Start", nextState: "A" }
    const updated = yield* process.sessions.update(buyer, update)
    const history = (sessions = process.sessions, afterVersion = 0) =>
      sessions.history(admin, { checkoutSessionId: id, afterVersion })
    return { ...process, boots, id, updated, history, settled: settled(process.sessions, id) }
  })

describe("a state that proceeds", () => {
  it.scoped("runs task after task without a client, each with its own operation and work key and one request", () =>
    Effect.gen(function* () {
      const seen: Array<Task.TaskContext> = []
      const run = (context: Task.TaskContext) => void seen.push(context)
      const { history, settled, updated } = yield* chain({ A: { run }, B: { run }, C: { run } })
      assert.deepInclude(yield* settled, { state: "Screen", version: 5, lastRequestId: updated.requestId })
      assert.deepStrictEqual(
        seen.map(({ requestId, session }) => [session.state, session.nextState, requestId]),
        [
          ["A", "B", updated.requestId],
          ["B", "C", updated.requestId],
          ["C", "Screen", updated.requestId]
        ]
      )
      for (const of of ["operationId", "workKey"] as const)
        assert.strictEqual(new Set(seen.map((context) => context[of])).size, 3)
      assert.deepStrictEqual(
        (yield* history()).map(({ type }) => type),
        ["Opened", "Updated", "TaskCompleted", "TaskCompleted", "TaskCompleted"]
      )
    })
  )

  it.scoped("goes to the end of its flow, and passes through what has no work, in one commit", () =>
    Effect.gen(function* () {
      const flow = Flow.defineFlow({
        name: "straight",
        initial: "One",
        transitions: { One: ["Two"], Two: ["Three"], Three: ["Four"], Four: [] },
        proceed: { Two: "Three", Three: "Four" }
      })
      const { sessions } = yield* boot(JournalMemory.make(), { flow })
      const checkoutSessionId = yield* opened(sessions)
      const update = { checkoutSessionId, expCurrentState: "One", nextState: "Two" }
      const { session } = yield* sessions.update(buyer, update)
      assert.deepInclude(session, { state: "Four", isArchived: true, closedBy: "COMPLETED", version: 2 })
      const last = (yield* sessions.history(admin, { checkoutSessionId }))[1]!
      assert.deepInclude(last, { type: "Updated", from: "One", to: "Four", passedThrough: ["Two", "Three"] })
    })
  )

  it.scoped("expires at a screen, not between its tasks", () =>
    Effect.gen(function* () {
      const hand = yield* handTask({ deadlineMillis: 86_400_000 })
      const { get, id, sessions } = yield* Effect.map(chain({ A: hand.task, B: hand.task }), (all) => {
        return { ...all, get: all.sessions.get(admin, { checkoutSessionId: all.id }) }
      })
      yield* hand.called(0)
      yield* TestClock.adjust(59_000)
      yield* hand.succeed(0)
      yield* hand.called(1)
      yield* TestClock.adjust(5_000)
      assert.deepInclude(yield* get, { state: "B", isProcessing: true, isArchived: false })
      yield* hand.succeed(1)
      yield* until(get, ({ isProcessing }) => !isProcessing)
      yield* TestClock.adjust(2_000)
      assert.deepInclude(yield* until(get, ({ isArchived }) => isArchived), { state: "Screen", closedBy: "EXPIRED" })
      assert.strictEqual(
        (yield* Effect.flip(
          sessions.update(buyer, { checkoutSessionId: id, expCurrentState: "Screen", nextState: "Done" })
        ))._tag,
        "SessionClosed"
      )
    })
  )

  it.scoped("a crash before or after any commit of the chain loses no step and repeats no key", () =>
    Effect.gen(function* () {
      for (const when of ["before the commit", "after the commit"] as const) {
        const keys = new Map<string, Set<string>>()
        const run = ({ session, workKey }: Task.TaskContext) =>
          void keys.set(session.state, (keys.get(session.state) ?? new Set()).add(workKey))
        const crash = { at: "TaskCompleted", when } as const
        const { boots, history, id } = yield* chain({ A: { run }, B: { run }, C: { run } }, { crash })
        // Each process dies at its first completed task.
        for (let lives = 0; lives < 4; lives++) {
          yield* nextTick
          yield* nextTick
          yield* boots()
          yield* until(
            Effect.sync(() => keys.size),
            (size) => size > Math.min(2, when === "after the commit" ? lives : 0)
          )
        }
        const { sessions } = yield* boots({ crash: { at: "Expired", when } })
        assert.deepInclude(yield* settled(sessions, id), { state: "Screen", version: 5 })
        assert.deepStrictEqual(
          [...keys.values()].map(({ size }) => size),
          [1, 1, 1]
        )
        assert.lengthOf(new Set([...keys.values()].flatMap((each) => [...each])), 3)
        assert.lengthOf(yield* history(sessions), 5)
      }
    })
  )

  it.scoped("has the deadline of its own task, which fails in the middle of a chain", () =>
    Effect.gen(function* () {
      const hand = yield* handTask({ deadlineMillis: 1_000 })
      const { history, settled } = yield* chain({ A: { run: () => {} }, B: hand.task })
      yield* hand.called(0)
      yield* TestClock.adjust(1_000)
      assert.deepInclude(yield* settled, { state: "Error" })
      assert.deepInclude((yield* history()).at(-1)!, { type: "TaskFailed", from: "B", reason: "DEADLINE" })
    })
  )

  it.scoped("a late result of an earlier step is kept while a later one runs, which it does not disturb", () =>
    Effect.gen(function* () {
      const hand = yield* handTask()
      const { history, id, sessions, updated } = yield* chain({ A: {}, B: hand.task })
      const operationId = updated.session.operationId!
      yield* sessions.completeTask(admin, { checkoutSessionId: id, operationId, orderId: "order-1" })
      yield* hand.called(0)
      const other = { checkoutSessionId: id, operationId, orderId: "order-2" }
      assert.deepInclude(yield* Effect.flip(sessions.completeTask(admin, other)), { recorded: true })
      assert.deepInclude((yield* history()).at(-1)!, { type: "LateResult", orderId: "order-2" })
      yield* hand.succeed(0)
      assert.deepInclude(yield* settled(sessions, id), { state: "Screen", orderId: "order-1" })
    })
  )

  it.scoped("results that lead back for ever are stopped after so many follow-ups of one call; an update goes on", () =>
    Effect.gen(function* () {
      let runs = 0
      const run = () => {
        runs += 1
        return { next: "A" }
      }
      const { history, id, sessions } = yield* chain({ C: { run } })
      assert.deepInclude(yield* settled(sessions, id), { state: "C", isProcessing: false })
      assert.strictEqual(runs, followUpMax)
      // Memory keeps the last of them.
      const entries = yield* history(sessions, followUpMax - 40)
      assert.deepInclude(entries.at(-1)!, { reason: "TOO_MANY_FOLLOW_UPS", followUp: null, to: "C" })
      const operations = entries.flatMap(({ followUp }) => (followUp === null ? [] : [followUp.operationId]))
      assert.isAbove(operations.length, 35)
      assert.strictEqual(new Set(operations).size, operations.length)
      yield* sessions.update(buyer, { checkoutSessionId: id, expCurrentState: "C", nextState: "Screen" })
      yield* settled(sessions, id)
      assert.isAbove(runs, followUpMax)
    })
  )

  it.scoped("a task that was opened with knows the request of the open", () =>
    Effect.gen(function* () {
      const hand = yield* handTask()
      const flow = Flow.defineFlow({
        name: "first",
        initial: "One",
        transitions: { One: ["Two"], Two: [] },
        proceed: { One: "Two" },
        tasks: { One: hand.task }
      })
      const { sessions } = yield* boot(JournalMemory.make(), { flow })
      const { requestId, session } = yield* sessions.open(buyer, { cartId: "cart-1" })
      assert.strictEqual((yield* hand.called(0)).requestId, requestId)
      yield* hand.succeed(0)
      assert.deepInclude(yield* settled(sessions, session.id), { state: "Two", isArchived: true, version: 2 })
    })
  )
})

describe("a cart that changes in the middle of a chain", () => {
  const world = (tasks: { readonly [state: string]: Task.Task }) => {
    const now: { revision: Carts.CartRevision; status: Carts.CartStatus } = { revision: "r1", status: "Active" }
    const cart = { id: "cart-1", storeId: "s", accountId: "a", ownerId: "buyer" }
    const carts: Carts.CartsShape = { find: () => Exit.succeed({ ...cart, ...now }) }
    return Effect.map(chain(tasks, { carts }), (all) => ({ ...all, now }))
  }

  it.scoped("is told to every later task, with the revision of the client's call, and noted with each result", () =>
    Effect.gen(function* () {
      const hand = yield* handTask()
      const seen: Array<readonly [unknown, boolean]> = []
      const run = ({ cartChanged, cartRevision }: Task.TaskContext) => void seen.push([cartRevision, cartChanged])
      const { history, now, settled } = yield* world({ A: hand.task, B: { run }, C: { run } })
      yield* hand.called(0)
      now.revision = "r2"
      yield* hand.succeed(0)
      assert.strictEqual((yield* settled).state, "Screen")
      assert.deepStrictEqual(seen, [
        ["r1", true],
        ["r1", true]
      ])
      const noted = (yield* history()).filter(({ cartChanged }) => cartChanged)
      assert.deepStrictEqual(
        noted.map(({ from }) => from),
        ["A", "B", "C"]
      )
    })
  )

  it.scoped("keeps a task that refuses it from being claimed, and the session stays there for the client", () =>
    Effect.gen(function* () {
      const hand = yield* handTask()
      let runs = 0
      const refusing: Task.Task = { run: () => void (runs += 1), whenCartChanged: "refuse" }
      const { history, id, now, sessions, settled } = yield* world({ A: hand.task, C: refusing })
      yield* hand.called(0)
      now.revision = "r2"
      yield* hand.succeed(0)
      assert.deepInclude(yield* settled, { state: "C", isProcessing: false, isError: false })
      assert.deepInclude((yield* history()).at(-1)!, {
        type: "TaskCompleted",
        reason: "CART_CHANGED",
        passedThrough: ["B"],
        followUp: null,
        cartChanged: true
      })
      assert.strictEqual(runs, 0)
      yield* sessions.update(buyer, { checkoutSessionId: id, expCurrentState: "C", nextState: "Screen" })
      yield* until(sessions.get(admin, { checkoutSessionId: id }), ({ state }) => state === "Screen")
      assert.strictEqual(runs, 1)
    })
  )

  it.scoped("fails a later task that refuses it when it changes while that task runs", () =>
    Effect.gen(function* () {
      const hand = yield* handTask({ whenCartChanged: "refuse" })
      const { history, now, settled } = yield* world({ A: { run: () => {} }, B: hand.task })
      yield* hand.called(0)
      now.revision = "r2"
      yield* hand.succeed(0, { orderId: "order-1" })
      assert.strictEqual((yield* settled).state, "Error")
      assert.deepInclude((yield* history()).at(-1)!, { reason: "CART_CHANGED", orderId: "order-1", from: "B" })
    })
  )

  it.scoped("a cart that may not be updated any more stops the chain at the state it came to", () =>
    Effect.gen(function* () {
      const hand = yield* handTask()
      const { history, now, settled } = yield* world({ A: hand.task, B: hand.task })
      yield* hand.called(0)
      now.status = "Closed"
      yield* hand.succeed(0)
      assert.deepInclude(yield* settled, { state: "B", isProcessing: false })
      assert.deepInclude((yield* history()).at(-1)!, { reason: "CART_NOT_UPDATABLE", to: "B", passedThrough: [] })
      assert.lengthOf(hand.calls, 1)
    })
  )
})
