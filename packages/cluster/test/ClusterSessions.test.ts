/** Updates sent without a fiber on a node: without a fiber where the session is here, through the service where it is not. */
import { assert, describe, it } from "@effect/vitest"
import { Caller, type CheckoutEngine, type CheckoutSession, type CheckoutSessions } from "@onelane/checkout"
import { Answer } from "@onelane/engine"
import { Effect, Exit, Runtime } from "effect"
import * as ClusterSessions from "../src/ClusterSessions.js"
import type { Membership } from "../src/Membership.js"
import type { Peer } from "../src/Peer.js"

type StartUpdate = CheckoutEngine.CheckoutEngineShape["startUpdate"]

const input = { checkoutSessionId: "cs_1", expCurrentState: "Start", nextState: "Inventory" }
const refused = Exit.die("an answer")

const doorOf = (
  owner: Peer | null,
  here: StartUpdate,
  service: Partial<CheckoutSessions.CheckoutSessionsShape> = {}
) => {
  const membership = { ownerOf: () => owner } as unknown as Membership
  const sessions = ClusterSessions.make(service as CheckoutSessions.CheckoutSessionsShape, membership)
  return ClusterSessions.makeStartUpdate(here, sessions, membership, Runtime.defaultRuntime)
}

const unused: StartUpdate = () => assert.fail("the engine of this node was asked")

describe("startUpdate of a node", () => {
  it("is that of its engine for a session it owns: answered on the spot, withdrawn like any other", () => {
    const waiting = { isBegun: false, listen: () => {}, withdraw: () => true }
    for (const answer of [refused, waiting]) assert.strictEqual(doorOf(null, () => answer)(Caller.host, input), answer)
  })

  it.live("forwards an update of a session that another node owns, and stays where that node cannot be asked", () =>
    Effect.gen(function* () {
      const answered = (outcome: Parameters<Parameters<Peer["ask"]>[3]>[0]) => {
        const owner: Peer = {
          isReady: () => true,
          ask: (_method, _caller, _input, onOutcome) => {
            onOutcome(outcome)
            return () => {}
          }
        }
        const startUpdate = doorOf(owner, unused, { update: () => Effect.die("here") })
        return Effect.async<Exit.Exit<unknown, unknown>>((resume) => {
          const started = startUpdate(Caller.host, input)
          assert.isTrue(Answer.isWaiting(started))
          if (Answer.isWaiting(started)) started.listen((exit) => resume(Effect.succeed(exit)))
        })
      }
      assert.deepStrictEqual(yield* answered({ _tag: "Answered", value: "there" }), Exit.succeed("there") as never)
      assert.isTrue(Exit.isFailure(yield* answered({ _tag: "NotSent" })))
    })
  )

  it.live("forwards a patch as plain JSON, and keeps here what cannot be taken, which is refused here", () =>
    Effect.gen(function* () {
      const sent: Array<unknown> = []
      const owner: Peer = {
        isReady: () => true,
        ask: (_method, _caller, given, onOutcome) => {
          sent.push((given as { readonly data?: unknown }).data)
          onOutcome({ _tag: "Answered", value: "there" })
          return () => {}
        }
      }
      const service = { update: () => Effect.succeed("here") } as never
      const sessions = ClusterSessions.make(service, { ownerOf: () => owner } as unknown as Membership)
      const move = (data: unknown) => sessions.update(Caller.host, { ...input, data: data as never })
      assert.strictEqual(yield* move({ a: [1] }), "there" as never)
      for (const odd of [{ a: new Date(0) }, { a: undefined }, [1]])
        assert.strictEqual(yield* move(odd), "here" as never)
      assert.deepStrictEqual(sent, [{ a: [1] }])
    })
  )

  it.live("leaves the other node when its caller leaves", () =>
    Effect.gen(function* () {
      let left = 0
      const owner: Peer = {
        isReady: () => true,
        ask: () => () => {
          left += 1
        }
      }
      const started = doorOf(owner, unused)(Caller.host, input)
      if (!Answer.isWaiting(started)) return assert.fail("it was answered on the spot")
      started.listen(() => {})
      assert.isFalse(started.withdraw())
      yield* Effect.repeat(Effect.sleep(1), { until: () => left === 1, times: 1_000 })
      assert.strictEqual(left, 1)
    })
  )
})

describe("a wait at a node that does not own the session", () => {
  const claim = { id: "cs_1", isProcessing: true, version: 2 } as CheckoutSession.CheckoutSession
  const arrived = { ...claim, isProcessing: false, version: 3 }
  const accepted = { requestId: "req_1", replayed: false, session: claim }
  const wait = { wait: "screen", waitMillis: 5_000 } as const

  /** The answer of an update that waits, and what was asked here and there. */
  const waited = (outcome: Parameters<Parameters<Peer["ask"]>[3]>[0]) =>
    Effect.gen(function* () {
      const asked: Array<readonly [string, unknown]> = []
      const owner: Peer = {
        isReady: () => true,
        ask: (method, _caller, given, onOutcome) => {
          asked.push([method, given])
          onOutcome(method === "update" ? { _tag: "Answered", value: accepted } : outcome)
          return () => {}
        }
      }
      const here: Partial<CheckoutSessions.CheckoutSessionsShape> = {
        get: (_, { checkoutSessionId }, rest) => {
          asked.push(["get here", { checkoutSessionId, afterVersion: rest?.afterVersion }])
          assert.isAtMost(rest!.waitMillis!, wait.waitMillis)
          return Effect.succeed(arrived)
        }
      }
      const membership = { ownerOf: () => owner } as unknown as Membership
      const sessions = ClusterSessions.make(here as CheckoutSessions.CheckoutSessionsShape, membership)
      return { answer: yield* sessions.update(Caller.host, input, wait), asked }
    })

  const forwarded = [
    ["update", input],
    ["get", { checkoutSessionId: "cs_1", wait: { ...wait, afterVersion: 2 } }]
  ]

  it.live("waits at the owner, which hears of the commit", () =>
    Effect.gen(function* () {
      const { answer, asked } = yield* waited({ _tag: "Answered", value: arrived })
      assert.deepStrictEqual(answer, { ...accepted, session: arrived, arrived: true })
      assert.deepStrictEqual(asked, forwarded as never)
    })
  )

  it.live("goes on here when the owner is lost, and the update stays accepted", () =>
    Effect.gen(function* () {
      for (const _tag of ["Lost", "NotSent"] as const) {
        const { answer, asked } = yield* waited({ _tag })
        assert.deepStrictEqual(answer, { ...accepted, session: arrived, arrived: true })
        const here = ["get here", { checkoutSessionId: "cs_1", afterVersion: 2 }]
        assert.deepStrictEqual(asked, [...forwarded, here] as never)
      }
    })
  )
})
