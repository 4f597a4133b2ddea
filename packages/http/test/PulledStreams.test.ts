/** Bodies that keep coming: what is handed out, when, and what is not any more. */
import { assert, describe, it } from "@effect/vitest"
import { Access, Caller, Carts, CheckoutEngine, CheckoutSessions } from "@onelane/checkout"
import { JournalMemory } from "@onelane/engine"
import { Context, Effect, Exit, Layer, TestClock } from "effect"
import * as CheckoutServer from "../src/CheckoutServer.js"
import * as Authentication from "../src/core/Authentication.js"
import { ask } from "../src/core/HttpCore.js"
import * as PulledStreams from "../src/core/PulledStreams.js"
import * as WireAnswer from "../src/core/WireAnswer.js"

const heartbeatMillis = 8_000
const turns = Effect.promise(async () => {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
})

type OnVerdict = (last: string | null) => void

/** A stream whose pieces and right are the test's. */
const opened = Effect.gen(function* () {
  const streams = yield* PulledStreams.make("beat", "farewell", heartbeatMillis)
  const pieces: Array<string> = []
  const right = {
    check: (onVerdict: OnVerdict): void => onVerdict(null),
    end: (_: string): void => {},
    asked: 0,
    left: 0,
    ended: 0
  }
  let asking: PulledStreams.Sink | null = null
  const flush = (): void => {
    const [piece] = asking === null ? [] : pieces.splice(0, 1)
    if (piece === undefined) return
    const sink = asking!
    asking = null
    if (piece === "last") sink.last(piece)
    else sink.piece(piece)
  }
  const source = (end: (last: string) => void): PulledStreams.Source => {
    right.end = end
    return {
      ask: (sink) => {
        right.asked += 1
        asking = sink
        flush()
      },
      check: (onVerdict) => right.check(onVerdict),
      leave: () => void (right.left += 1)
    }
  }
  const pull = streams.open(source, () => void (right.ended += 1))
  const begin = () => new Promise<string | null>((resolve) => pull.next(resolve))
  return {
    next: Effect.promise(begin),
    begin,
    offer: (piece: string) =>
      Effect.sync(() => {
        pieces.push(piece)
        flush()
      }),
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
      assert.strictEqual(right.asked, 0)
      for (const piece of ["one", "two", "last"]) yield* offer(piece)
      assert.deepStrictEqual(
        [yield* next, yield* next, right.left, yield* next, yield* next],
        ["one", "two", 0, "last", null]
      )
      yield* turns
      assert.deepInclude(right, { left: 1, ended: 1 })
    })
  )

  it.scoped("hands out a piece that came before it was asked for, after one more check", () =>
    Effect.gen(function* () {
      const { next, offer, right } = yield* held
      let checked = 0
      right.check = (onVerdict) => {
        checked += 1
        onVerdict(null)
      }
      assert.deepStrictEqual([yield* next, checked], ["held", 1])
      yield* offer("fresh")
      assert.deepStrictEqual([yield* next, checked], ["fresh", 1])
    })
  )

  it.scoped("does not hand out a piece that came before it was asked for when the right is gone since", () =>
    Effect.gen(function* () {
      const { next, right } = yield* held
      right.check = (onVerdict) => onVerdict("gone")
      assert.deepStrictEqual([yield* next, yield* next], ["gone", null])
      yield* turns
      assert.deepInclude(right, { left: 1, ended: 1 })
    })
  )

  it.scoped("gives heartbeats while a check takes long, and keeps the piece until it is decided", () =>
    Effect.gen(function* () {
      const { begin, next, right } = yield* held
      let decide: OnVerdict = () => assert.fail("nobody has looked")
      right.check = (onVerdict) => {
        decide = onVerdict
      }
      const asked = begin()
      yield* turns
      yield* TestClock.adjust(heartbeatMillis)
      assert.strictEqual(yield* Effect.promise(() => asked), "beat")
      decide(null)
      yield* turns
      right.check = (onVerdict) => onVerdict("gone")
      assert.strictEqual(yield* next, "gone")
    })
  )

  it.scoped("gets a heartbeat when it was silent for as long, and none before", () =>
    Effect.gen(function* () {
      const { begin, offer } = yield* opened
      const first = begin()
      yield* TestClock.adjust(heartbeatMillis - 1_000)
      yield* offer("change")
      assert.strictEqual(yield* Effect.promise(() => first), "change")
      const told: Array<string | null> = []
      void begin().then((piece) => told.push(piece))
      yield* TestClock.adjust(heartbeatMillis - 1_000)
      yield* turns
      assert.deepStrictEqual(told, [])
      yield* TestClock.adjust(1_000)
      yield* turns
      assert.deepStrictEqual(told, ["beat"])
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
      const next = () => new Promise<string | null>((resolve) => body.next(resolve))
      const silent = next()
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
      const told = yield* Effect.promise(next)
      assert.match(told ?? "", /^event: error\ndata: .*SessionInaccessible/)
      assert.isNull(yield* Effect.promise(next))
    })
  )
})
