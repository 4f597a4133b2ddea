/** Data in the session: in the same commit as the state, for every call that takes a patch. */
import { assert, describe, it } from "@effect/vitest"
import { Flow, type Json, type Task } from "@onelane/checkout"
import { JournalMemory } from "@onelane/engine"
import { Effect, Fiber, Schema, Stream } from "effect"
import {
  admin,
  boot,
  buyer,
  handTask,
  integrator,
  type ProcessOptions,
  type Sessions,
  settled,
  slowMemory
} from "./fixture.js"

const Data = Schema.Struct({
  email: Schema.optional(Schema.String.pipe(Schema.pattern(/@/))),
  items: Schema.optional(Schema.Array(Schema.Struct({ sku: Schema.String, quantity: Schema.Number }))),
  note: Schema.optional(Schema.String),
  free: Schema.optional(Schema.Unknown)
})

const flowOf = (task?: Task.Task) =>
  Flow.defineFlow({
    name: "shop",
    initial: "Start",
    transitions: { Start: ["Pay", "Ship"], Ship: ["Pay"], Pay: ["Done"], Done: [] },
    data: Data,
    ...(task !== undefined && { tasks: { Pay: task } })
  })

const world = ({
  journal = JournalMemory.make(),
  task,
  ...options
}: ProcessOptions & {
  readonly journal?: ReturnType<typeof JournalMemory.make>
  readonly task?: Task.Task
} = {}) => boot(journal, { flow: flowOf(task), ...options })

const move = (id: string, expCurrentState: string, nextState: string, data?: unknown, more: object = {}) => ({
  checkoutSessionId: id,
  expCurrentState,
  nextState,
  ...(data !== undefined && { data: data as Json.JsonObject }),
  ...more
})

const openWith = (sessions: Sessions, data?: unknown, more: object = {}) =>
  sessions.open(buyer, { cartId: "cart-1", ...(data !== undefined && { data: data as Json.JsonObject }), ...more })

const events = (sessions: Sessions, checkoutSessionId: string) => sessions.history(admin, { checkoutSessionId })

describe("data: open", () => {
  it.scoped("starts from {}, merges and keeps the patch in the history", () =>
    Effect.gen(function* () {
      const { sessions } = yield* world()
      const { session } = yield* openWith(sessions, { email: "a@b", note: null })
      assert.deepStrictEqual(session.data, { email: "a@b" })
      assert.deepStrictEqual((yield* events(sessions, session.id))[0]?.data, { email: "a@b", note: null })
      const plain = yield* sessions.open(buyer, { cartId: "cart-2" })
      assert.deepStrictEqual(plain.session.data, {})
    })
  )

  it.scoped("a live session's data stays as it is, whatever an opener brings", () =>
    Effect.gen(function* () {
      const { sessions } = yield* world()
      yield* openWith(sessions, { email: "a@b" })
      for (const data of [{ email: "c@d" }, { email: "no address" }, undefined]) {
        const { created, session } = yield* openWith(sessions, data)
        assert.deepInclude(session, { data: { email: "a@b" }, version: 1 })
        assert.isFalse(created)
      }
    })
  )

  it.scoped("data that is not valid opens nothing, burns no key, and leaves the cart without a session", () =>
    Effect.gen(function* () {
      const { sessions } = yield* world()
      const refused = yield* Effect.flip(openWith(sessions, { email: 7 }, { idempotencyKey: "k" }))
      assert.deepInclude(refused, { _tag: "InvalidData", reason: "DATA_MISMATCH", current: null, applied: "no" })
      assert.isNull((yield* sessions.cancel(admin, { cartId: "cart-1" })).session)
      const { created } = yield* openWith(sessions, { email: "a@b" }, { idempotencyKey: "k" })
      assert.isTrue(created)
    })
  )

  it.scoped("a schema that requires a member refuses an open without it, and shows a live session all the same", () =>
    Effect.gen(function* () {
      const flow = Flow.defineFlow({
        name: "strict",
        initial: "Start",
        transitions: { Start: ["End"], End: [] },
        data: Schema.Struct({ email: Schema.String })
      })
      const { sessions } = yield* world({ flow })
      const refused = yield* Effect.flip(openWith(sessions))
      assert.deepInclude(refused, { _tag: "InvalidData", paths: ["/email"] })
      yield* openWith(sessions, { email: "a" })
      assert.deepStrictEqual((yield* openWith(sessions)).session.data, { email: "a" })
      // The cart was completed: that is the earlier step.
      const { session } = yield* openWith(sessions)
      yield* sessions.update(buyer, move(session.id, "Start", "End"))
      assert.deepInclude(yield* Effect.flip(openWith(sessions)), { _tag: "SessionClosed", reason: "COMPLETED" })
      assert.deepInclude(yield* Effect.flip(openWith(sessions, {}, { again: true })), { _tag: "InvalidData" })
    })
  )

  it.scoped("a closed session's cart is opened again with the new data, and the replay of a key shows the old", () =>
    Effect.gen(function* () {
      const { sessions } = yield* world({ journal: slowMemory() })
      const first = yield* openWith(sessions, { note: "one" }, { idempotencyKey: "k1" })
      yield* sessions.cancel(buyer, { checkoutSessionId: first.session.id })
      const second = yield* openWith(sessions, { note: "two" }, { idempotencyKey: "k2" })
      assert.deepStrictEqual(second.session.data, { note: "two" })
      const again = yield* openWith(sessions, { note: "two" }, { idempotencyKey: "k2" })
      assert.deepInclude(again, { replayed: true, session: second.session })
      const conflict = yield* Effect.flip(openWith(sessions, { note: "three" }, { idempotencyKey: "k2" }))
      assert.strictEqual(conflict._tag, "IdempotencyConflict")
    })
  )
})

describe("data: update", () => {
  it.scoped("state and data move in one commit, and history and changes carry the patch", () =>
    Effect.gen(function* () {
      const { sessions } = yield* world({ journal: slowMemory() })
      const { session } = yield* openWith(sessions, { email: "a@b", items: [{ sku: "x", quantity: 1 }] })
      const following = yield* Effect.fork(
        Stream.runCollect(Stream.take(sessions.changes(admin, { checkoutSessionId: session.id, afterVersion: 0 }), 3))
      )
      const patch = { note: "leave it at the door", items: [{ sku: "x", quantity: 2 }] }
      const moved = yield* sessions.update(buyer, move(session.id, "Start", "Ship", patch))
      assert.deepInclude(moved.session, {
        state: "Ship",
        version: 2,
        data: { email: "a@b", items: [{ sku: "x", quantity: 2 }], note: "leave it at the door" }
      })
      yield* sessions.update(buyer, move(session.id, "Ship", "Pay"))
      const changes = [...(yield* Fiber.join(following))]
      assert.deepStrictEqual(
        changes.map(({ data }) => data),
        [{ email: "a@b", items: [{ sku: "x", quantity: 1 }] }, patch, null]
      )
      assert.deepStrictEqual(yield* events(sessions, session.id), changes)
    })
  )

  it.scoped("an edit in place needs the version, and never runs the task of its state", () =>
    Effect.gen(function* () {
      const hand = yield* handTask()
      const { sessions } = yield* world({ task: hand.task })
      const { session } = yield* openWith(sessions, { note: "a" }, { initialState: "Pay" })
      const edit = (data: unknown, expectedVersion?: number) =>
        sessions.update(buyer, move(session.id, "Pay", "Pay", data, { expectedVersion }))
      assert.strictEqual((yield* Effect.flip(edit({ note: "b" })))._tag, "InvalidState")
      const edited = yield* edit({ note: "b" }, 1)
      assert.deepInclude(edited.session, { state: "Pay", isProcessing: false, version: 2, data: { note: "b" } })
      assert.deepInclude(yield* Effect.flip(edit({ note: "c" }, 1)), { reason: "VERSION_MISMATCH" })
      assert.strictEqual(hand.calls.length, 0)
    })
  )

  it.scoped("of many edits at one version one wins, and no patch of a loser is seen", () =>
    Effect.gen(function* () {
      const { sessions } = yield* world({ journal: slowMemory() })
      const { session } = yield* openWith(sessions)
      const answers = yield* Effect.all(
        Array.from({ length: 32 }, (_, index) =>
          Effect.either(
            sessions.update(buyer, move(session.id, "Start", "Start", { note: `${index}` }, { expectedVersion: 1 }))
          )
        ),
        { concurrency: "unbounded" }
      )
      const won = answers.filter((answer) => answer._tag === "Right")
      assert.strictEqual(won.length, 1)
      const now = yield* sessions.get(admin, { checkoutSessionId: session.id })
      assert.deepStrictEqual(now.data, won[0]!.right.session.data)
      assert.strictEqual((yield* events(sessions, session.id)).length, 2)
    })
  )

  it.scoped(
    "invalid data is refused after the transition, with paths and the current session, and writes nothing",
    () =>
      Effect.gen(function* () {
        const { sessions } = yield* world()
        const { session } = yield* openWith(sessions, { email: "a@b" })
        const wrong = { email: "secret", items: [{ sku: "x", quantity: "secret" }] }
        const refused = yield* Effect.flip(sessions.update(buyer, move(session.id, "Start", "Ship", wrong)))
        assert.deepInclude(refused, { _tag: "InvalidData", reason: "DATA_MISMATCH", retryable: false, applied: "no" })
        assert.notInclude(JSON.stringify(refused), "secret")
        assert.isAbove("paths" in refused ? refused.paths.length : 0, 0)
        assert.deepInclude("current" in refused ? refused.current : null, { state: "Start", version: 1 })
        const earlier = yield* Effect.flip(sessions.update(buyer, move(session.id, "Start", "Done", wrong)))
        assert.strictEqual(earlier._tag, "TransitionNotAllowed")
        const stale = yield* Effect.flip(sessions.update(buyer, move(session.id, "Ship", "Pay", wrong)))
        assert.strictEqual(stale._tag, "ExpectedStateMismatch")
        assert.deepInclude(yield* sessions.get(admin, { checkoutSessionId: session.id }), {
          version: 1,
          data: { email: "a@b" }
        })
      })
  )

  it.scoped("what is no JSON is an invalid input that names the field; a call without data validates nothing", () =>
    Effect.gen(function* () {
      const { sessions } = yield* world()
      const { session } = yield* openWith(sessions)
      for (const data of [1, "x", [], { a: new Date(0) }, { a: undefined }, { a: Number.NaN }, { a: "\ud800" }]) {
        const refused = yield* Effect.flip(sessions.update(buyer, move(session.id, "Start", "Ship", data)))
        assert.deepInclude(refused, { _tag: "InvalidInput", reason: "INVALID_INPUT" })
        assert.deepStrictEqual("fields" in refused ? refused.fields : null, ["data"])
      }
      const polluting = JSON.parse('{"__proto__":{"isAdmin":true}}')
      assert.strictEqual((yield* Effect.flip(openWith(sessions, polluting)))._tag, "InvalidInput")
      assert.deepStrictEqual((yield* sessions.update(buyer, move(session.id, "Start", "Ship"))).session.data, {})
    })
  )

  it.scoped("a flow without data refuses it, and its sessions have none", () =>
    Effect.gen(function* () {
      const { sessions } = yield* boot(JournalMemory.make())
      const { session } = yield* sessions.open(buyer, { cartId: "cart-1" })
      assert.isNull(session.data)
      for (const refused of [
        yield* Effect.flip(sessions.update(buyer, move(session.id, "Start", "Inventory", {}))),
        yield* Effect.flip(openWith(sessions, {})),
        yield* Effect.flip(
          sessions.completeTask(integrator, { checkoutSessionId: session.id, operationId: "op", data: {} })
        )
      ])
        assert.deepInclude(refused, { _tag: "InvalidInput", fields: ["data"] })
      assert.isNull((yield* events(sessions, session.id))[0]?.data)
    })
  )

  it.scoped("size and depth are bounded, by the setting, with an error of their own", () =>
    Effect.gen(function* () {
      const { sessions } = yield* world({ dataMaxBytes: 100 })
      const { session } = yield* openWith(sessions, { note: "x".repeat(80) })
      const update = (data: unknown) => Effect.flip(sessions.update(buyer, move(session.id, "Start", "Ship", data)))
      for (const data of [{ email: "a@bbbbbbbbbb" }, { note: "x".repeat(100) }, { note: "x".repeat(2_000_000) }])
        assert.deepInclude(yield* update(data), { _tag: "InvalidData", reason: "DATA_TOO_LARGE" })
      const large = yield* update({ note: "x".repeat(2_000_000) })
      assert.deepInclude("current" in large ? large.current : null, { state: "Start", version: 1 })
      let deep: unknown = 1
      for (let depth = 0; depth < 32; depth++) deep = [deep]
      assert.deepInclude(yield* update({ free: deep }), { _tag: "InvalidData", reason: "DATA_TOO_DEEP" })
      const fits = yield* sessions.update(buyer, move(session.id, "Start", "Ship", { note: "y".repeat(89) }))
      assert.strictEqual(Buffer.byteLength(JSON.stringify(fits.session.data)), 100)
    })
  )

  it.scoped("a key covers the data: the same again is replayed with the session as it was, other data conflicts", () =>
    Effect.gen(function* () {
      const { sessions } = yield* world()
      const { session } = yield* openWith(sessions)
      const send = (data: unknown) =>
        sessions.update(buyer, move(session.id, "Start", "Ship", data, { idempotencyKey: "k" }))
      const first = yield* send({ note: "a", email: "a@b" })
      yield* sessions.update(buyer, move(session.id, "Ship", "Ship", { note: "later" }, { expectedVersion: 2 }))
      assert.deepStrictEqual(yield* send({ email: "a@b", note: "a" }), { ...first, replayed: true })
      for (const data of [{ note: "b" }, {}, undefined, { note: "x".repeat(2_000_000) }])
        assert.strictEqual((yield* Effect.flip(send(data)))._tag, "IdempotencyConflict")
    })
  )

  it.scoped("what is read back after a restart is the same, version by version", () =>
    Effect.gen(function* () {
      const journal = slowMemory()
      const one = yield* world({ journal })
      const { session } = yield* openWith(one.sessions, { email: "a@b", free: { a: { b: 1 }, c: [1] } })
      yield* one.sessions.update(buyer, move(session.id, "Start", "Ship", { free: { a: { b: null, d: 2 } } }))
      const before = yield* one.sessions.get(admin, { checkoutSessionId: session.id })
      assert.deepStrictEqual(before.data, { email: "a@b", free: { a: { d: 2 }, c: [1] } })
      yield* one.stop
      const two = yield* world({ journal })
      assert.deepStrictEqual(yield* two.sessions.get(admin, { checkoutSessionId: session.id }), before)
    })
  )
})

describe("data: results of tasks", () => {
  const claimed = (options: Parameters<typeof world>[0]) =>
    Effect.gen(function* () {
      const process = yield* world(options)
      const { session } = yield* openWith(process.sessions, { note: "a" })
      yield* process.sessions.update(buyer, move(session.id, "Start", "Pay", { email: "a@b" }))
      const paying = yield* process.sessions.update(buyer, move(session.id, "Pay", "Done", { note: "b" }))
      return { ...process, id: session.id, operationId: paying.session.operationId!, paying: paying.session }
    })

  it.scoped("a claim carries its patch, the task sees it, and its result is merged with the move", () =>
    Effect.gen(function* () {
      const hand = yield* handTask()
      const { id, paying, sessions } = yield* claimed({ task: hand.task })
      assert.deepStrictEqual(paying.data, { email: "a@b", note: "b" })
      const { session } = yield* hand.called(0)
      assert.deepStrictEqual(session.data, { email: "a@b", note: "b" })
      ;(session.data as { note: string }).note = "changed by the task"
      yield* hand.succeed(0, { orderId: "order-1", data: { note: "paid", email: null } })
      const done = yield* settled(sessions, id)
      assert.deepInclude(done, { state: "Done", isArchived: true, orderId: "order-1", data: { note: "paid" } })
      assert.deepStrictEqual((yield* events(sessions, id)).at(-1)?.data, { note: "paid", email: null })
    })
  )

  it.scoped(
    "a task whose data is refused fails for good with INVALID_DATA; its order is kept, and so is its work key",
    () =>
      Effect.gen(function* () {
        for (const data of [{ email: "secret" }, { email: new Date(0) }, { free: "x".repeat(70_000) }]) {
          const hand = yield* handTask()
          const { id, paying, sessions } = yield* claimed({ task: hand.task })
          yield* hand.called(0)
          yield* hand.succeed(0, { orderId: "order-1", data: data as never })
          const failed = yield* settled(sessions, id)
          assert.deepInclude(failed, { state: "Error", orderId: null, data: { email: "a@b", note: "b" } })
          const last = (yield* events(sessions, id)).at(-1)!
          assert.deepInclude(last, { type: "TaskFailed", reason: "INVALID_DATA", orderId: "order-1", data: null })
          assert.notInclude(JSON.stringify(last), "secret")
          assert.strictEqual(hand.calls.length, 1)
          // The work is done: it must not be done again under another key.
          const again = yield* sessions.update(buyer, move(id, "Error", "Pay"))
          assert.strictEqual(again.session.state, "Pay")
          const retried = yield* sessions.update(buyer, move(id, "Pay", "Done"))
          assert.strictEqual(retried.session.workKey, paying.workKey)
          yield* sessions.cancel(buyer, { checkoutSessionId: id })
        }
      })
  )

  it.scoped("a task of a flow without data that brings some fails, and its order is kept", () =>
    Effect.gen(function* () {
      const task: Task.Task = { run: () => ({ orderId: "order-1", data: { a: 1 } }) }
      const { sessions } = yield* boot(JournalMemory.make(), { flow: Flow.withTasks(Flow.b2b, { Start: task }) })
      const { session } = yield* sessions.open(buyer, { cartId: "cart-1" })
      yield* sessions.update(buyer, move(session.id, "Start", "Inventory"))
      assert.strictEqual((yield* settled(sessions, session.id)).state, "Error")
      assert.deepInclude((yield* events(sessions, session.id)).at(-1), { reason: "INVALID_DATA", orderId: "order-1" })
    })
  )

  it.scoped("completeTask from outside: invalid data goes back to the caller, and the claim stays", () =>
    Effect.gen(function* () {
      const { id, operationId, sessions } = yield* claimed({ task: {} })
      const complete = (data: unknown, more: object = {}) =>
        sessions.completeTask(integrator, { checkoutSessionId: id, operationId, data: data as never, ...more })
      const refused = yield* Effect.flip(complete({ email: 7 }, { idempotencyKey: "k" }))
      assert.deepInclude(refused, { _tag: "InvalidData", paths: ["/email"] })
      assert.isTrue((yield* sessions.get(admin, { checkoutSessionId: id })).isProcessing)
      const { session } = yield* complete({ note: "paid" }, { orderId: "order-1", idempotencyKey: "k" })
      assert.deepInclude(session, { state: "Done", data: { email: "a@b", note: "paid" } })
      const same = { orderId: "order-1" }
      assert.deepStrictEqual(yield* complete({ note: "paid" }, same), { replayed: true, session })
      assert.deepInclude(yield* Effect.flip(complete({ note: "other" }, same)), {
        reason: "OPERATION_LATE",
        recorded: true
      })
      assert.strictEqual((yield* events(sessions, id)).length, 4)
    })
  )
})

describe("data: values", () => {
  it.scoped("nobody who holds a session, a history entry or an input can change what is inside", () =>
    Effect.gen(function* () {
      const { sessions } = yield* world()
      const given = { free: { list: [{ a: 1 }] } }
      const open = yield* openWith(sessions, given)
      const { id } = open.session
      given.free.list[0]!.a = 2
      const spoil = (data: unknown) => {
        const object = data as { free: { list: Array<unknown>; more?: unknown } }
        object.free.list.push("spoilt")
        object.free.more = "spoilt"
      }
      spoil(open.session.data)
      spoil((yield* sessions.get(admin, { checkoutSessionId: id })).data)
      spoil((yield* events(sessions, id))[0]!.data)
      const input = move(id, "Start", "Ship", { free: { b: { c: 1 } } })
      const moving = sessions.update(buyer, input)
      const moved = yield* moving
      ;(input.data as unknown as { free: { b: { c: unknown } } }).free.b.c = "spoilt"
      spoil(moved.session.data)
      const expected = { free: { list: [{ a: 1 }], b: { c: 1 } } }
      assert.deepStrictEqual((yield* sessions.get(admin, { checkoutSessionId: id })).data, expected)
      assert.notInclude(JSON.stringify(yield* events(sessions, id)), "spoilt")
    })
  )
})
