/** Nodes of a cluster as child processes on built output, over one real PostgreSQL, killed and started again at will. */
import { once } from "node:events"
import { Caller, type CheckoutSessions } from "@onelane/checkout"
import { CheckoutClient } from "@onelane/http"
import * as Link from "@onelane/testkit/Link"
import { Effect, Schedule, type Scope } from "effect"
import { node, onelane, type Program, urlOf } from "./Program.js"

const tokens = JSON.stringify({ admin: { userId: "admin", roles: ["modify-all-data"] } })

const carts = Array.from({ length: 32 }, (_, index) => ({
  id: `cart-${index}`,
  storeId: "store",
  accountId: "acme",
  ownerId: "admin"
}))

const seed = JSON.stringify({
  users: [{ id: "admin" }],
  stores: ["store"],
  accounts: [{ id: "acme", users: ["admin"], stores: ["store"] }],
  carts
})

/** A node that is started again on the ports it had. */
export interface ClusterNode {
  readonly url: string
  readonly door: CheckoutSessions.CheckoutSessionsShape
  /** The way on which the other nodes reach it. */
  readonly link: Link.Link
  readonly signal: (signal: NodeJS.Signals) => Effect.Effect<void>
  /** Ends it by a signal, and waits until it has ended; answers its exit code. */
  readonly end: (signal: NodeJS.Signals) => Effect.Effect<number | null>
  readonly restart: Effect.Effect<void>
}

/** Milliseconds until a caller gives a call up. */
const patienceMillis = 1_500

/** Starts a node; it is gone when the scope closes. */
export const start = (storage: string): Effect.Effect<ClusterNode, never, Scope.Scope> =>
  Effect.gen(function* () {
    let program: Program
    const listening = yield* Link.freePort
    const link = yield* Link.make(() => listening)
    const ways = ["--cluster", `127.0.0.1:${link.port}`, "--cluster-listen", `127.0.0.1:${listening}`]
    const args = [onelane, "serve", "--storage", storage, "--tokens", tokens, "--seed", seed, "--flow", "any"]
    const run = (port: string) =>
      Effect.promise(() => {
        program = node([...args, "--port", port, ...ways])
        return urlOf(program)
      })
    const url = yield* Effect.acquireRelease(run("0"), () => Effect.sync(() => program.process.kill("SIGKILL")))
    const door = yield* CheckoutClient.make({ url, token: "admin", timeoutMillis: patienceMillis })
    const signal = (name: NodeJS.Signals) => Effect.sync(() => void program.process.kill(name))
    return {
      url,
      door,
      link,
      signal,
      end: (name) =>
        Effect.promise(async () => {
          const ended = once(program.process, "close")
          program.process.kill(name)
          return (await ended)[0] as number | null
        }),
      restart: Effect.asVoid(run(new URL(url).port))
    }
  })

/** Asks until an answer comes that is not about a store, a node or a door that is gone; answers the milliseconds it took. */
export const untilAnswered = (door: CheckoutSessions.CheckoutSessionsShape, checkoutSessionId: string) =>
  Effect.gen(function* () {
    const from = performance.now()
    yield* Effect.retry(door.get(Caller.host, { checkoutSessionId }), Schedule.spaced(20))
    return performance.now() - from
  })
