/** Bodies that keep coming: what is handed out, when, and what is not any more. */
import { assert, describe, it } from "@effect/vitest"
import { Access, Caller, Carts, CheckoutEngine, CheckoutSessions } from "@onelane/checkout"
import { JournalMemory } from "@onelane/engine"
import { Context, Deferred, Effect, Exit, Layer, Queue, TestClock } from "effect"
import * as CheckoutServer from "../src/CheckoutServer.js"
import * as Authentication from "../src/core/Authentication.js"
import { ask } from "../src/core/HttpCore.js"
import * as PulledStreams from "../src/core/PulledStreams.js"
import * as WireAnswer from "../src/core/WireAnswer.js"

const heartbeatMillis = 8_000
const turns = Effect.promise(async () => {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
})

/** A stream whose pieces and right are the test's. */
const opened = Effect.gen(function* () {
  const streams = yield* PulledStreams.make("beat", "farewell", heartbeatMillis)
  const pieces = yield* Queue.unbounded<string>()
  const right = { check: Exit.void as Effect.Effect<void, string>, end: (_: string): void => {}, open: 0, ended: 0 }
  const source: PulledStreams.OpenSource = (end) => {
    right.end = end
    return Effect.as(
      Effect.acquireRelease(
        Effect.sync(() => void (right.open += 1)),
        () => Effect.sync(() => void (right.open -= 1))
      ),
      {
        next: Effect.flatMap(Queue.take(pieces), (piece) =>
          piece === "last" ? Effect.fail(piece) : Exit.succeed(piece)
        ),
        check: Effect.suspend(() => right.check)
      }
    )
  }
  const pull = streams.open(source, () => void (right.ended += 1))
  return {
    next: Effect.promise(pull.next),
    begin: () => pull.next(),
    offer: (piece: string) => pieces.offer(piece),
    right
  }
})

/** One whose reader took a heartbeat and is slow since: a piece has come that it has not asked for. */
const held = Effect.gen(function* () {
  const stream = yield* opened
  const first = stream.begin()
  yield* turns
  yield* TestClock.adjust(heartbeatMillis)
  assert.strictEqual(yield* Effect.promise(() => first), "beat")
  yield* stream.offer("held")
  yield* turns
  return stream
})

describe("a pulled stream", () => {
  it.scoped("gives pieces in order and its last words before the end, and lets its source go", () =>
    Effect.gen(function* () {
      const { next, offer, right } = yield* opened
      assert.strictEqual(right.open, 0)
      for (const piece of ["one", "two", "last"]) yield* offer(piece)
      assert.deepStrictEqual(
        [yield* next, yield* next, right.open, yield* next, yield* next],
        ["one", "two", 1, "last", null]
      )
      yield* turns
      assert.deepInclude(right, { open: 0, ended: 1 })
    })
  )

  it.scoped("hands out a piece that came before it was asked for, after one more check", () =>
    Effect.gen(function* () {
      const { next, offer, right } = yield* held
      let checked = 0
      right.check = Effect.sync(() => void (checked += 1))
      assert.deepStrictEqual([yield* next, checked], ["held", 1])
      yield* offer("fresh")
      assert.deepStrictEqual([yield* next, checked], ["fresh", 1])
    })
  )

  it.scoped("does not hand out a piece that came before it was asked for when the right is gone since", () =>
    Effect.gen(function* () {
      const { next, right } = yield* held
      right.check = Exit.fail("gone")
      assert.deepStrictEqual([yield* next, yield* next], ["gone", null])
      yield* turns
      assert.deepInclude(right, { open: 0, ended: 1 })
    })
  )

  it.scoped("gives heartbeats while a check takes long, and keeps the piece until it is decided", () =>
    Effect.gen(function* () {
      const { begin, next, right } = yield* held
      const decided = yield* Deferred.make<void, string>()
      right.check = Deferred.await(decided)
      const asked = begin()
      yield* turns
      yield* TestClock.adjust(heartbeatMillis)
      assert.strictEqual(yield* Effect.promise(() => asked), "beat")
      yield* Deferred.succeed(decided, undefined)
      yield* turns
      right.check = Exit.fail("gone")
      assert.strictEqual(yield* next, "gone")
    })
  )

  it.scoped("that is ended from outside says why and drops what nobody has asked for", () =>
    Effect.gen(function* () {
      const { next, right } = yield* held
      right.end("expired")
      right.end("twice")
      assert.deepStrictEqual([yield* next, yield* next, right.ended], ["expired", null, 1])
    })
  )
})

describe("a slow reader of server-sent events", () => {
  it.scoped("gets the problem instead of a change that it may not see any more", () =>
    Effect.gen(function* () {
      const now = { rights: Access.everyRight }
      const access: Access.AccessShape = { mayInvoke: () => Exit.succeed(true), rights: () => Exit.succeed(now.rights) }
      const context = yield* CheckoutEngine.layer().pipe(
        Layer.provideMerge(
          Layer.mergeAll(
            JournalMemory.layer,
            Layer.succeed(Access.Access, access),
            Carts.layerTrusted,
            Authentication.layerStatic({ buyer: Caller.make("buyer", []) })
          )
        ),
        Layer.build
      )
      const sessions = Context.get(context, CheckoutSessions.CheckoutSessions)
      const core = yield* Effect.provide(CheckoutServer.core({ limits: { heartbeatMillis } }), context)
      const { session } = yield* sessions.open(Caller.host, { cartId: "cart-1" })
      const { body } = yield* ask(core, {
        method: "GET",
        path: `/v1/checkout-sessions/${session.id}/events`,
        query: "",
        headers: { authorization: "Bearer buyer" },
        read: () => assert.fail("a GET has no body")
      })
      if (!WireAnswer.isPull(body)) return assert.fail("no stream")
      const silent = body.next()
      yield* turns
      yield* TestClock.adjust(heartbeatMillis)
      assert.strictEqual(yield* Effect.promise(() => silent), ": heartbeat\n\n")
      yield* sessions.update(Caller.host, {
        checkoutSessionId: session.id,
        expCurrentState: "Start",
        nextState: "Inventory"
      })
      yield* turns
      now.rights = { ...Access.everyRight, maySee: false }
      const told = yield* Effect.promise(body.next)
      assert.match(told ?? "", /^event: error\ndata: .*SessionInaccessible/)
      assert.isNull(yield* Effect.promise(body.next))
    })
  )
})
