/**
 * Running: what only a running server has: its engine and its node. A command on a storage without a server has none.
 */
import { type CheckoutEngine, type CheckoutError, type CheckoutSessions, type Flow, Refusal } from "@onelane/checkout"
import type { NodeInspections } from "@onelane/cluster"
import type { DoorMetrics } from "@onelane/http"
import type { StoreHealth } from "@onelane/sql"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"

/** A running server. */
export interface RunningServer {
  /** Its name among others: the address that its peers connect to, or else the one that it listens on. */
  readonly node: () => string
  /** When it started, epoch milliseconds. */
  readonly startedAt: number
  readonly sessions: CheckoutSessions.CheckoutSessionsShape
  readonly flow: Flow.Flow
  readonly metrics: CheckoutEngine.CheckoutEngineShape["metrics"]
  readonly door: DoorMetrics.DoorMetrics
  readonly store: StoreHealth.StoreHealthShape
  /** What the nodes have about a session in memory only. Checks no rights. */
  readonly inspect: (checkoutSessionId: string) => Effect.Effect<NodeInspections.NodeInspections>
  readonly cluster: () => { readonly nodes: number; readonly heldShards: number; readonly shards: number } | null
}

/** The running server; null without one. */
export class Running extends Context.Tag("@onelane/server/Running")<Running, RunningServer | null>() {}

/** The running server, or a refusal. */
export const server: Effect.Effect<RunningServer, CheckoutError.AccessError, Running> = Effect.flatMap(
  Running,
  (running) =>
    running === null ? Effect.fail(Refusal.invalidInput([], "This needs a running server.")) : Effect.succeed(running)
)
