/** What the nodes of a cluster know of a session and store nowhere, asked of any of them. */
import { assert, describe, it } from "@effect/vitest"
import { Caller, CheckoutSessions } from "@onelane/checkout"
import { Cluster } from "@onelane/cluster"
import { Context, Effect, Exit, Layer, Scope } from "effect"
import * as NodeInspections from "../src/NodeInspections.js"
import type * as Peer from "../src/Peer.js"
import * as Nodes from "./Nodes.js"

const postgres = Nodes.postgresForThisFile()

const here = () => ({ attempts: [], dropped: 0, since: 5, running: null })

describe("the inspection of a session by all nodes", () => {
  it.scopedLive(
    "every node tells of the refusals that each has made, whichever is asked, and names a node that is gone",
    () =>
      Effect.gen(function* () {
        const url = yield* (yield* postgres).makePlace
        const scopes = yield* Effect.all(
          [1, 2].map(() => Effect.acquireRelease(Scope.make(), (own) => Scope.close(own, Exit.void)))
        )
        const nodes = yield* Effect.all(
          scopes.map((scope) => Layer.buildWithScope(Nodes.trusting(url, { engine: { attempts: true } }), scope)),
          { concurrency: "unbounded" }
        )
        const clusters = nodes.map((node) => Context.get(node, Cluster.Cluster))
        const doors = nodes.map((node) => Context.get(node, CheckoutSessions.CheckoutSessions))
        yield* Nodes.settled(clusters)
        const opened = yield* doors[0]!.open(Caller.host, { cartId: "cart-1" })
        const { id: checkoutSessionId } = opened.session
        // The owner refuses both, whichever door they came through.
        for (const door of doors)
          yield* Effect.flip(door.cancel(Caller.host, { checkoutSessionId, expectedVersion: 9 }))
        const names = clusters.map(({ address: { host, port } }) => `${host}:${port}`)
        for (const [index, cluster] of clusters.entries()) {
          const { found, missing } = yield* cluster.inspect(checkoutSessionId)
          assert.deepStrictEqual(
            found.map(({ node }) => node),
            index === 0 ? names : [...names].reverse()
          )
          assert.deepStrictEqual(missing, [])
          const attempts = found.map(({ inspection }) => inspection.attempts.length)
          assert.strictEqual(Math.max(...attempts), 2)
          assert.strictEqual(
            attempts.reduce((sum, count) => sum + count),
            2
          )
          for (const { inspection } of found) assert.isAbove(inspection.since!, 0)
        }
      }),
    60_000
  )

  it.effect("a node that cannot be asked or has no answer is missing, and the others are shown", () =>
    Effect.gen(function* () {
      const peer = (outcome: Peer.Outcome): Peer.Peer => ({
        isReady: () => true,
        ask: (_method, _caller, _input, onOutcome) => {
          onOutcome(outcome)
          return () => {}
        }
      })
      const peers = new Map([
        ["c", peer({ _tag: "NotSent" })],
        ["b", peer({ _tag: "Answered", value: here() })],
        ["d", peer({ _tag: "Lost" })]
      ])
      const { found, missing } = yield* NodeInspections.make("a", here, () => peers)("s")
      assert.deepStrictEqual(
        found.map(({ node }) => node),
        ["a", "b"]
      )
      assert.deepStrictEqual(missing, ["c", "d"])
    })
  )
})
