import { assert, describe, it } from "@effect/vitest"
import { Access, type CheckoutEngine, type CheckoutError, type CheckoutSessions, Flow } from "@onelane/checkout"
import { type Journal, JournalMemory } from "@onelane/engine"
import { Chunk, Effect, Exit, Fiber, Stream, TestClock } from "effect"
import { admin, boot, buyer, handTask, nextTick, opened, settled, slowMemory } from "./fixture.js"

const start = { expCurrentState: "Start", nextState: "Inventory" }

describe("CheckoutEngine: an open involves two actors", () => {
  it.scoped("a crash between the cart's commit and the session's leaves a name, which the next opener opens", () =>
    Effect.gen(function* () {
      const journal = slowMemory()
      const first = yield* boot(journal, { crash: { at: "Opened", when: "before the commit" } })
      yield* Effect.flip(first.sessions.open(buyer, { cartId: "cart-1" }))
      yield* first.crash
      const { sessions } = yield* boot(journal)
      const { created, session } = yield* sessions.open(buyer, { cartId: "cart-1" })
      assert.isTrue(created)
      assert.deepInclude(yield* sessions.open(buyer, { cartId: "cart-1" }), { created: false, session })
    })
  )

  it.scoped("a crash after the session's commit: the next opener gets that session", () =>
    Effect.gen(function* () {
      const journal = slowMemory()
      const first = yield* boot(journal, { crash: { at: "Opened", when: "after the commit" } })
      yield* Effect.flip(first.sessions.open(buyer, { cartId: "cart-1" }))
      yield* first.crash
      const { sessions } = yield* boot(journal)
      assert.isFalse((yield* sessions.open(buyer, { cartId: "cart-1" })).created)
    })
  )

  it.scoped("an id that is another cart's is refused, and harms neither cart", () =>
    Effect.gen(function* () {
      const { sessions } = yield* boot(JournalMemory.make())
      const theirs = yield* opened(sessions, "cart-1")
      const mine = { cartId: "cart-2", checkoutSessionId: theirs }
      assert.deepInclude(yield* Effect.flip(sessions.open(buyer, mine)), { _tag: "InvalidInput" })
      assert.isNull((yield* sessions.cancel(admin, { cartId: "cart-2" })).session)
      assert.isFalse((yield* sessions.get(admin, { checkoutSessionId: theirs })).isArchived)
      assert.isTrue((yield* sessions.open(buyer, { cartId: "cart-2" })).created)
      assert.isTrue((yield* sessions.cancel(buyer, { cartId: "cart-2" })).session?.isArchived)
    })
  )

  it.scoped("a cart whose session is closed gets a new one, many openers the same", () =>
    Effect.gen(function* () {
      const { sessions } = yield* boot(slowMemory())
      const old = yield* opened(sessions)
      yield* sessions.cancel(buyer, { checkoutSessionId: old })
      const answers = yield* Effect.all(
        Array.from({ length: 16 }, () => sessions.open(buyer, { cartId: "cart-1" })),
        { concurrency: "unbounded" }
      )
      assert.strictEqual(answers.filter(({ created }) => created).length, 1)
      assert.strictEqual(new Set([old, ...answers.map(({ session }) => session.id)]).size, 2)
    })
  )
})

describe("CheckoutEngine: an open without a fiber", () => {
  const answerOf = (answer: ReturnType<CheckoutEngine.CheckoutEngineShape["startOpen"]>) =>
    Effect.async<Exit.Exit<CheckoutSessions.Opened, CheckoutError.OpenError>>((resume) => {
      if ("listen" in answer) answer.listen((exit) => resume(Effect.succeed(exit)))
      else resume(Effect.succeed(answer))
    })

  it.scoped(
    "where nothing has to be waited for, the answer is there at once: new, live, keyed, cancelled, refused",
    () =>
      Effect.gen(function* () {
        const { engine, sessions } = yield* boot(JournalMemory.make())
        const start = (input: CheckoutSessions.OpenInput) => {
          const answer = engine.startOpen(buyer, input)
          assert.isFalse("listen" in answer)
          return answer as Exit.Exit<CheckoutSessions.Opened, CheckoutError.OpenError>
        }
        const first = yield* start({ cartId: "cart-1", idempotencyKey: "k" })
        assert.deepInclude(first, { created: true, replayed: false })
        assert.deepInclude(yield* start({ cartId: "cart-1", idempotencyKey: "k" }), { created: true, replayed: true })
        assert.deepInclude(yield* start({ cartId: "cart-1" }), { created: false, session: first.session })
        assert.deepInclude(yield* Effect.flip(start({ cartId: "" })), { _tag: "InvalidInput" })
        assert.deepInclude(yield* Effect.flip(start({ cartId: "cart-1", ownerId: "bob" })), {
          _tag: "ActionNotPermitted"
        })
        yield* sessions.cancel(buyer, { checkoutSessionId: first.session.id })
        const second = yield* start({ cartId: "cart-1" })
        assert.isTrue(second.created)
        assert.notStrictEqual(second.session.id, first.session.id)
      })
  )

  it.scoped("where ports and commits have to be waited for, it calls back, and many openers get one session", () =>
    Effect.gen(function* () {
      const access: Access.AccessShape = {
        mayInvoke: () => Effect.as(nextTick, true),
        rights: () => Effect.as(nextTick, Access.everyRight)
      }
      const { engine } = yield* boot(slowMemory(), { access })
      const answers = Array.from({ length: 16 }, () => engine.startOpen(buyer, { cartId: "cart-1" }))
      for (const answer of answers) assert.isTrue("listen" in answer)
      const opened = yield* Effect.all(
        answers.map((answer) => Effect.flatten(answerOf(answer))),
        { concurrency: "unbounded" }
      )
      assert.strictEqual(opened.filter(({ created }) => created).length, 1)
      assert.strictEqual(new Set(opened.map(({ session }) => session.id)).size, 1)
    })
  )

  it.scoped("an answer of a port that is there already is not limited in time, a late one is", () =>
    Effect.gen(function* () {
      let isSlow = false
      const access: Access.AccessShape = {
        mayInvoke: () => Exit.succeed(true),
        rights: () => (isSlow ? Effect.never : Exit.succeed(Access.everyRight))
      }
      const { engine } = yield* boot(JournalMemory.make(), { access, portMillis: 100 })
      assert.isFalse("listen" in engine.startOpen(buyer, { cartId: "cart-1" }))
      isSlow = true
      const waiting = yield* Effect.fork(answerOf(engine.startOpen(buyer, { cartId: "cart-2" })))
      yield* nextTick
      yield* TestClock.adjust("200 millis")
      const exit = yield* Fiber.join(waiting)
      assert.deepInclude(yield* Effect.flip(exit), { _tag: "StorageUnavailable", applied: "no" })
    })
  )
})

describe("CheckoutEngine: ports and watching", () => {
  it.scoped(
    "a port that hangs is given up within its bound; nothing is written, and the session takes further commands",
    () =>
      Effect.gen(function* () {
        let hangs = false
        const trusted = yield* Effect.provide(Access.Access, Access.layerTrusted)
        const access: Access.AccessShape = {
          ...trusted,
          rights: (...asked) => (hangs ? Effect.never : trusted.rights(...asked))
        }
        const { sessions } = yield* boot(JournalMemory.make(), { access, portMillis: 2_000 })
        const checkoutSessionId = yield* opened(sessions)
        hangs = true
        const stuck = yield* Effect.fork(Effect.flip(sessions.update(buyer, { checkoutSessionId, ...start })))
        yield* nextTick
        yield* TestClock.adjust(2_000)
        const told = yield* Fiber.join(stuck)
        assert.deepInclude(told, { _tag: "StorageUnavailable", reason: "PORT_UNAVAILABLE", applied: "no" })
        hangs = false
        assert.strictEqual((yield* sessions.update(buyer, { checkoutSessionId, ...start })).session.version, 2)
      })
  )

  it.scoped("a watcher sees claim and result, each once durable, in order, and the end ends it", () =>
    Effect.gen(function* () {
      const memory = slowMemory()
      let durable = 0
      const journal: Journal.JournalShape = {
        ...memory,
        append: (batch) =>
          Effect.tap(memory.append(batch), () => (durable = Math.max(durable, batch[0]!.expectedSequence + 1)))
      }
      const { called, succeed, task } = yield* handTask()
      const { sessions } = yield* boot(journal, { flow: Flow.withTasks(Flow.b2b, { Start: task }) })
      const checkoutSessionId = yield* opened(sessions)
      const seen = yield* sessions.changes(buyer, { checkoutSessionId, afterVersion: 0 }).pipe(
        Stream.tap(({ version }) => Effect.sync(() => assert.isAtMost(version, durable))),
        Stream.runCollect,
        Effect.fork
      )
      yield* sessions.update(buyer, { checkoutSessionId, ...start })
      yield* called(0)
      yield* succeed(0)
      yield* settled(sessions, checkoutSessionId)
      yield* sessions.cancel(buyer, { checkoutSessionId })
      assert.deepStrictEqual(
        Chunk.toReadonlyArray(yield* Fiber.join(seen)).map(({ type, version }) => [version, type]),
        [
          [1, "Opened"],
          [2, "Claimed"],
          [3, "TaskCompleted"],
          [4, "Cancelled"]
        ]
      )
    })
  )

  it.scoped("a watcher that takes up where it was before a restart sees no gap and no duplicate", () =>
    Effect.gen(function* () {
      const journal = slowMemory()
      const path = ["Start", "Shipping Address", "Inventory", "Confirm Price", "Calculate Promotions"]
      let checkoutSessionId = ""
      let seen: ReadonlyArray<number> = []
      for (let step = 0; step + 1 < path.length; step++) {
        const { crash, sessions } = yield* boot(journal)
        if (step === 0) checkoutSessionId = yield* opened(sessions)
        const watching = yield* sessions
          .changes(buyer, { checkoutSessionId, afterVersion: seen.length })
          .pipe(Stream.take(step === 0 ? 2 : 1), Stream.runCollect, Effect.fork)
        yield* sessions.update(buyer, { checkoutSessionId, expCurrentState: path[step]!, nextState: path[step + 1]! })
        seen = [...seen, ...Chunk.map(yield* Fiber.join(watching), ({ version }) => version)]
        yield* crash
      }
      assert.deepStrictEqual(seen, [1, 2, 3, 4, 5])
    })
  )
})
