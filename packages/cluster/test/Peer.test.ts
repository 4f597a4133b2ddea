/** The way between two nodes: what was asked is answered, certainly not sent, or lost; and which of them, is true. */
import { connect } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { Caller, type CheckoutSessions } from "@onelane/checkout"
import { Answer } from "@onelane/engine"
import * as Link from "@onelane/testkit/Link"
import { Deferred, Effect, Exit, Fiber, Option, Runtime, Schedule, Scope } from "effect"
import * as ClusterConfig from "../src/ClusterConfig.js"
import * as Peer from "../src/Peer.js"
import * as PeerServer from "../src/PeerServer.js"

type Service = CheckoutSessions.CheckoutSessionsShape

const config = ClusterConfig.make({ host: "127.0.0.1", secret: "of the nodes", heartbeatMillis: 20, peerCapacity: 100 })

/** A service whose `update` is what a test says. */
const serving = (update: (input: any) => Effect.Effect<unknown, unknown>): Service =>
  ({ update: (_: Caller.Caller, input: unknown) => update(input) }) as unknown as Service

/** Asks as an effect: refusals and calls that were not answered are its failures. */
const asked = (peer: Peer.Peer, input: unknown): Effect.Effect<unknown, Peer.Outcome> =>
  Effect.async((resume) => {
    const leave = peer.ask("update", Caller.host, input, (outcome) =>
      resume(outcome._tag === "Answered" ? Effect.succeed(outcome.value) : Effect.fail(outcome))
    )
    return Effect.sync(leave)
  })

/** Opens an ear whose `update` is what a test says, asked with a fiber. */
const open = (ear: PeerServer.PeerServer, update: (input: any) => Effect.Effect<unknown, unknown>): void =>
  ear.open({
    service: serving(update),
    startUpdate: (_, input) => Answer.fromEffect(update(input) as Effect.Effect<any, any>, Runtime.defaultRuntime),
    inspect: () => ({ attempts: [], dropped: 0, since: null, running: null })
  })

const until = (test: () => boolean) =>
  Effect.repeat(Effect.sync(test), { until: (is) => is, schedule: Schedule.spaced(5) })

const connected = (update: (input: any) => Effect.Effect<unknown, unknown>) =>
  Effect.gen(function* () {
    const ear = yield* PeerServer.listen(config)
    open(ear, update)
    const peer = yield* Peer.make({ host: config.host, port: ear.port }, config)
    yield* until(peer.isReady)
    return { ear, peer, ask: (input: unknown) => asked(peer, input) }
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

  it.scopedLive("answers what fits where something else that was said in the same turn does not", () =>
    Effect.gen(function* () {
      const { ask } = yield* connected(Effect.succeed)
      const long = "x".repeat(config.frameCapacity >> 1)
      const said = [1, "x".repeat(config.frameCapacity), { of: () => {} }, long, 2, long, long, "last"]
      const all = yield* Effect.all(
        said.map((each) => Effect.option(ask(each))),
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(
        all,
        said.map((each, index) => (index === 1 || index === 2 ? Option.none() : Option.some(each)))
      )
    })
  )

  it.scopedLive("is asked what was said, though the one who said it changes it afterwards", () =>
    Effect.gen(function* () {
      const { ask } = yield* connected(Effect.succeed)
      const input = { next: "A" }
      const first = yield* Effect.fork(ask(input))
      yield* Effect.yieldNow()
      input.next = "B"
      assert.deepStrictEqual(yield* Fiber.join(first), { next: "A" })
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

  it.scopedLive("is not asked what cannot be written down, is too long, or more than it may owe", () =>
    Effect.gen(function* () {
      const { ask } = yield* connected((input) => (input === "long" ? Effect.never : Effect.succeed(null)))
      const notSent = Effect.fail({ _tag: "NotSent" } as const)
      assert.deepStrictEqual(yield* Effect.exit(ask(Symbol("no value"))), yield* Effect.exit(notSent))
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
      open(ear, update)
      const peer = yield* Peer.make({ host: config.host, port: ear.port }, config)
      yield* until(peer.isReady)
      const call = yield* Effect.fork(Effect.flip(asked(peer, "a")))
      yield* Deferred.await(begun)
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual(yield* Fiber.join(call), { _tag: "Lost" })
      assert.deepStrictEqual(yield* Effect.flip(asked(peer, "b")), { _tag: "NotSent" })
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
      open(ear, Effect.succeed)
      const link = yield* Link.make(() => ear.port)
      const peer = yield* Peer.make({ host: config.host, port: link.port }, config)
      yield* until(peer.isReady)
      yield* link.silence(true)
      const from = performance.now()
      assert.deepStrictEqual(yield* Effect.flip(asked(peer, "a")), { _tag: "Lost" })
      // A loaded machine may be late.
      assert.isBelow(performance.now() - from, 4 * config.silenceMillis)
      assert.isFalse(peer.isReady())
      yield* link.silence(false)
      yield* until(peer.isReady)
      assert.strictEqual(yield* asked(peer, "b"), "b")
    })
  )

  it.scopedLive("whose connection is cut loses what it was asked, and is asked again at once", () =>
    Effect.gen(function* () {
      const ear = yield* PeerServer.listen(config)
      open(ear, (input) => (input === "long" ? Effect.never : Effect.succeed(input)))
      const link = yield* Link.make(() => ear.port)
      const peer = yield* Peer.make({ host: config.host, port: link.port }, config)
      yield* until(peer.isReady)
      const call = yield* Effect.fork(Effect.flip(asked(peer, "long")))
      yield* asked(peer, "short")
      yield* link.cut
      assert.deepStrictEqual(yield* Fiber.join(call), { _tag: "Lost" })
      yield* until(peer.isReady)
      assert.strictEqual(yield* asked(peer, "again"), "again")
    })
  )

  it.scopedLive("leaves whoever connects and does not say hello, and nobody else", () =>
    Effect.gen(function* () {
      const impatient = { ...config, silenceMillis: 100 }
      const ear = yield* PeerServer.listen(impatient)
      open(ear, Effect.succeed)
      const peer = yield* Peer.make({ host: config.host, port: ear.port }, impatient)
      yield* until(peer.isReady)
      const mute = connect(ear.port, config.host)
      yield* Effect.addFinalizer(() => Effect.sync(() => mute.destroy()))
      yield* Effect.async<void>((resume) => void mute.once("close", () => resume(Effect.void)))
      yield* Effect.sleep(200)
      assert.strictEqual(yield* asked(peer, "still here"), "still here")
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
