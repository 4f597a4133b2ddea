/** A rolling deploy in a cluster: the node that owns a session may have a flow that is too old for it. */
import { assert, describe, it } from "@effect/vitest"
import { Caller, CheckoutSessions, Flow } from "@onelane/checkout"
import { Cluster } from "@onelane/cluster"
import { Context, Effect, Layer, Schedule } from "effect"
import * as Nodes from "./Nodes.js"

const postgres = Nodes.postgresForThisFile()

const first = Flow.defineFlow({ name: "shop", initial: "Cart", transitions: { Cart: ["Pay"], Pay: [] } })

const second = Flow.defineFlow({
  name: "shop",
  version: 2,
  initial: "Cart",
  transitions: { Cart: ["Pay", "Check"], Check: ["Pay"], Pay: [] }
})

const start = (url: string, flow: Flow.Flow) =>
  Effect.map(Layer.build(Nodes.trusting(url, { engine: { flow } })), (context) => ({
    door: Context.get(context, CheckoutSessions.CheckoutSessions),
    cluster: Context.get(context, Cluster.Cluster)
  }))

describe("a rolling deploy in a cluster", () => {
  it.scopedLive(
    "a session whose owner has an older flow is answered by the node that was asked, if it knows the flow",
    () =>
      Effect.gen(function* () {
        const url = yield* (yield* postgres).makePlace
        const fresh = yield* start(url, second)
        const ids = yield* Effect.forEach(
          Array.from({ length: 24 }, (_, n) => `cart-${n}`),
          (cartId) => Effect.map(fresh.door.open(Caller.host, { cartId }), ({ session }) => session.id)
        )
        // It joins later, and gets the half of the shards.
        const old = yield* start(url, first)
        yield* Nodes.settled([fresh.cluster, old.cluster])
        // A busy machine may lose a connection between nodes: the key makes it safe to ask again.
        const move = ({ door }: typeof fresh, checkoutSessionId: string, expCurrentState: string, nextState: string) =>
          door
            .update(Caller.host, { checkoutSessionId, expCurrentState, nextState, idempotencyKey: `to ${nextState}` })
            .pipe(
              Effect.retry({
                times: 20,
                schedule: Schedule.spaced(100),
                while: (error) => error.reason === "NODE_LOST"
              }),
              Effect.either
            )

        const owned: Array<string> = []
        for (const id of ids) {
          // The old node sends what the other owns to it, and refuses what it owns itself.
          const answer = yield* move(old, id, "Cart", "Pay")
          if (answer._tag === "Right") continue
          assert.deepInclude(answer.left, { _tag: "StorageUnavailable", reason: "FLOW_VERSION", retryable: true })
          owned.push(id)
        }
        assert.isAtLeast(owned.length, 2, "the old node owns too few of the sessions")
        assert.isBelow(owned.length, ids.length, "the old node owns all of the sessions")

        // To a state that the owner knows, and to one that it does not.
        const goals = ["Pay", "Check"]
        for (const [n, id] of owned.entries()) {
          const moved = yield* move(fresh, id, "Cart", goals[n % 2]!)
          assert.strictEqual(moved._tag, "Right", JSON.stringify(moved))
        }
        for (const checkoutSessionId of ids) {
          const session = yield* fresh.door.get(Caller.host, { checkoutSessionId })
          const n = owned.indexOf(checkoutSessionId)
          assert.deepInclude(session, { state: n === -1 ? "Pay" : goals[n % 2]!, version: 2 })
          // A state that no node knows is refused, whoever owns the session.
          const nowhere = yield* move(fresh, checkoutSessionId, session.state, "Nowhere")
          assert.strictEqual(nowhere._tag === "Left" ? nowhere.left._tag : nowhere._tag, "InvalidState")
        }
      }),
    60_000
  )
})
