/** The way between two nodes: what was asked is answered, certainly not sent, or lost; and which of them, is true. */
import { assert, describe, it } from "@effect/vitest"
import { Caller, type CheckoutSessions } from "@onelane/checkout"
import * as Link from "@onelane/testkit/Link"
import { Deferred, Effect, Exit, Fiber, Schedule, Scope } from "effect"
import * as ClusterConfig from "../src/ClusterConfig.js"
import * as Peer from "../src/Peer.js"
import * as PeerCalls from "../src/PeerCalls.js"
import * as PeerServer from "../src/PeerServer.js"

type Service = CheckoutSessions.CheckoutSessionsShape

const config = ClusterConfig.make({ host: "127.0.0.1", secret: "of the nodes", heartbeatMillis: 20, peerCapacity: 100 })

/** A service whose `update` is what a test says. */
const serving = (update: (input: any) => Effect.Effect<unknown, unknown>): Service =>
  ({ update: (_: Caller.Caller, input: unknown) => update(input) }) as unknown as Service

const until = (test: () => boolean) =>
  Effect.repeat(Effect.sync(test), { until: (is) => is, schedule: Schedule.spaced(5) })

const connected = (update: (input: any) => Effect.Effect<unknown, unknown>) =>
  Effect.gen(function* () {
    const ear = yield* PeerServer.listen(config)
    ear.open(serving(update))
    const peer = yield* Peer.make({ host: config.host, port: ear.port }, config)
    yield* until(peer.isReady)
    return { ear, peer, ask: (input: unknown) => peer.ask("update", Caller.host, input) }
  })

describe("a peer", () => {
  it.scopedLive("answers what its engine answers, and says its refusals as they are", () =>
    Effect.gen(function* () {
      const { ask } = yield* connected((input) => (input.ok ? Effect.succeed(input) : Effect.fail(input)))
      const said = { ok: true, text: "Grüße, 你好", none: null }
      assert.deepStrictEqual(yield* ask(said), said)
      const refused = yield* Effect.flip(ask({ ok: false, reason: "NO" }))
      assert.deepStrictEqual(refused, { _tag: "Refused", error: { ok: false, reason: "NO" } })
    })
  )

  it.scopedLive("holds no call back behind one that takes long", () =>
    Effect.gen(function* () {
      const { ask } = yield* connected((input) => (input === "long" ? Effect.never : Effect.succeed(input)))
      const all = yield* Effect.fork(ask("long"))
      const answers = yield* Effect.all(
        Array.from({ length: 50 }, (_, index) => ask(index)),
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(
        answers,
        answers.map((_, index) => index)
      )
      yield* Fiber.interrupt(all)
    })
  )

  it.scopedLive("is told when nobody waits for an answer any more", () =>
    Effect.gen(function* () {
      const begun = yield* Deferred.make<void>()
      const left = yield* Deferred.make<void>()
      const { ask } = yield* connected(() =>
        Effect.zipRight(
          Deferred.succeed(begun, undefined),
          Effect.onInterrupt(Effect.never, () => Deferred.succeed(left, undefined))
        )
      )
      const asked = yield* Effect.fork(ask("something"))
      yield* Deferred.await(begun)
      yield* Fiber.interrupt(asked)
      yield* Deferred.await(left)
    })
  )

  it.scopedLive("is not asked what is no JSON, too long, or more than it may owe", () =>
    Effect.gen(function* () {
      const { ask } = yield* connected((input) => (input === "long" ? Effect.never : Effect.succeed(null)))
      const notSent = Effect.fail({ _tag: "NotSent" } as const)
      assert.deepStrictEqual(yield* Effect.exit(ask(1n)), yield* Effect.exit(notSent))
      const long = "x".repeat(config.frameCapacity)
      assert.deepStrictEqual(yield* Effect.exit(ask(long)), yield* Effect.exit(notSent))
      const waiting = Array.from({ length: config.peerCapacity }, () => Effect.forkScoped(ask("long")))
      yield* Effect.all(waiting)
      yield* Effect.yieldNow()
      assert.deepStrictEqual(yield* Effect.exit(ask("one more")), yield* Effect.exit(notSent))
    })
  )

  it.scopedLive("that goes away answers nothing: what reached it is lost, what comes later is not sent", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const begun = yield* Deferred.make<void>()
      const update = () => Effect.zipRight(Deferred.succeed(begun, undefined), Effect.never)
      const ear = yield* Scope.extend(PeerServer.listen(config), scope)
      ear.open(serving(update))
      const peer = yield* Peer.make({ host: config.host, port: ear.port }, config)
      yield* until(peer.isReady)
      const asked = yield* Effect.fork(Effect.flip(peer.ask("update", Caller.host, "a")))
      yield* Deferred.await(begun)
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual(yield* Fiber.join(asked), { _tag: "Lost" })
      assert.deepStrictEqual(yield* Effect.flip(peer.ask("update", Caller.host, "b")), { _tag: "NotSent" })
    })
  )

  it.scopedLive("that bids farewell is asked no more, answers what it was asked, and is gone then", () =>
    Effect.gen(function* () {
      const begun = yield* Deferred.make<void>()
      const end = yield* Deferred.make<string>()
      const { ask, ear, peer } = yield* connected(() =>
        Effect.zipRight(Deferred.succeed(begun, undefined), Deferred.await(end))
      )
      const asked = yield* Effect.fork(ask("a"))
      yield* Deferred.await(begun)
      const leaving = yield* Effect.fork(ear.leave)
      yield* until(() => !peer.isReady())
      assert.deepStrictEqual(yield* Effect.flip(ask("b")), { _tag: "NotSent" })
      yield* Deferred.succeed(end, "done")
      assert.strictEqual(yield* Fiber.join(asked), "done")
      yield* Fiber.join(leaving)
    })
  )

  it.scopedLive("that falls silent is given up within a second, and asked again once it is heard", () =>
    Effect.gen(function* () {
      const ear = yield* PeerServer.listen(config)
      ear.open(serving(Effect.succeed))
      const link = yield* Link.make(() => ear.port)
      const peer = yield* Peer.make({ host: config.host, port: link.port }, config)
      yield* until(peer.isReady)
      yield* link.silence(true)
      const from = performance.now()
      assert.deepStrictEqual(yield* Effect.flip(peer.ask("update", Caller.host, "a")), { _tag: "Lost" })
      // A loaded machine may be late.
      assert.isBelow(performance.now() - from, 4 * config.silenceMillis)
      assert.isFalse(peer.isReady())
      yield* link.silence(false)
      yield* until(peer.isReady)
      assert.strictEqual(yield* peer.ask("update", Caller.host, "b"), "b")
    })
  )

  it.scopedLive("whose connection is cut loses what it was asked, and is asked again at once", () =>
    Effect.gen(function* () {
      const ear = yield* PeerServer.listen(config)
      ear.open(serving((input) => (input === "long" ? Effect.never : Effect.succeed(input))))
      const link = yield* Link.make(() => ear.port)
      const peer = yield* Peer.make({ host: config.host, port: link.port }, config)
      yield* until(peer.isReady)
      const asked = yield* Effect.fork(Effect.flip(peer.ask("update", Caller.host, "long")))
      yield* peer.ask("update", Caller.host, "short")
      yield* link.cut
      assert.deepStrictEqual(yield* Fiber.join(asked), { _tag: "Lost" })
      yield* until(peer.isReady)
      assert.strictEqual(yield* peer.ask("update", Caller.host, "again"), "again")
    })
  )

  it.scopedLive("hears nobody who does not know the secret", () =>
    Effect.gen(function* () {
      const { ear } = yield* connected(Effect.succeed)
      const stranger = yield* Peer.make({ host: config.host, port: ear.port }, { ...config, secret: "guessed" })
      yield* Effect.sleep(300)
      assert.isFalse(stranger.isReady())
    })
  )
})

describe("calls", () => {
  it("are cut into messages that fit, in order", () => {
    assert.deepStrictEqual(PeerCalls.parcels(["aa", "bb", "c", "dddd", "e"], 4), [["aa", "bb"], ["c"], ["dddd"], ["e"]])
  })
})
