/**
 * Node: the engine of a server: alone on its storage, or as a node of a cluster on the same PostgreSQL.
 */
import type { Access, Carts, CheckoutSessions, Retention } from "@onelane/checkout"
import { CheckoutEngine } from "@onelane/checkout"
import type { Cluster, PeerServer } from "@onelane/cluster"
import type { NodeAddress } from "@onelane/cluster/NodeAddress"
import type { Journal } from "@onelane/engine"
import type { DatabaseRefused } from "@onelane/sql"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { ServeConfig } from "../settings/ServeConfig.js"

/** The running engine. */
export interface Node {
  readonly context: Context.Context<
    CheckoutSessions.CheckoutSessions | CheckoutEngine.CheckoutEngine | Retention.Retention
  >
  /** Whether the node can take traffic. */
  readonly isReady: () => boolean
  /** The node in its cluster; null: no cluster. */
  readonly cluster: Cluster.ClusterShape | null
}

/** Creates the engine for these settings. */
export const make = (
  config: ServeConfig,
  options: CheckoutEngine.CheckoutEngineOptions
): Effect.Effect<
  Node,
  DatabaseRefused.DatabaseRefused | PeerServer.NodeRefused,
  Journal.Journal | Access.Access | Carts.Carts | Scope.Scope
> =>
  config.cluster === null
    ? Effect.map(CheckoutEngine.make(options), (context) => ({ context, isReady: () => true, cluster: null }))
    : join(config, config.cluster, options)

const join = (config: ServeConfig, address: NodeAddress, engine: CheckoutEngine.CheckoutEngineOptions) =>
  Effect.gen(function* () {
    // Loaded on demand: most servers are not clustered.
    const { Cluster, PostgresNode } = yield* Effect.promise(() => import("@onelane/cluster"))
    const { clusterListen: listen, clusterSecret } = config
    const listening = listen === null ? {} : { listenHost: listen.host, listenPort: listen.port }
    const secret = clusterSecret ?? undefined
    const context = yield* PostgresNode.make(config.storage, { ...address, ...listening, secret, engine })
    const cluster = Context.get(context, Cluster.Cluster)
    return { context, isReady: () => cluster.heldShards() > 0, cluster }
  })
