/**
 * Cluster: one node of a cluster over one database. It starts its parts in this order: peer server, membership, engine,
 * service. It stops in reverse: calls that have begun finish, then its shards are released.
 */
import type { SqlClient } from "@effect/sql/SqlClient"
import { type Access, type Carts, CheckoutEngine, CheckoutSessions, type Retention, Starts } from "@onelane/checkout"
import type { Journal } from "@onelane/engine"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as ClusterConfig from "./ClusterConfig.js"
import * as ClusterSessions from "./ClusterSessions.js"
import * as Membership from "./Membership.js"
import * as NodeInspections from "./NodeInspections.js"
import * as PeerServer from "./PeerServer.js"

/** The node as an operator sees it. */
export interface ClusterShape {
  /** The address at which other nodes reach this one. */
  readonly address: { readonly host: string; readonly port: number }
  /** Shards that this node holds the lease on. With none it should get no traffic. */
  readonly heldShards: () => number
  /** Nodes that seem alive, this one included. */
  readonly nodes: () => number
  /** How many shards there are. */
  readonly shards: number
  /** What each node has about a session in memory only, this node first. Checks no rights. */
  readonly inspect: (checkoutSessionId: string) => Effect.Effect<NodeInspections.NodeInspections>
}

/** This node. */
export class Cluster extends Context.Tag("@onelane/cluster/Cluster")<Cluster, ClusterShape>() {}

/** The settings of a node and of its engine. */
export interface ClusterOptions extends ClusterConfig.ClusterOptions {
  readonly engine?: Omit<CheckoutEngine.CheckoutEngineOptions, "custody"> | undefined
}

/**
 * Milliseconds between two alarm rounds. A node stops its tasks within one round after it lost a lease; a new owner
 * waits longer.
 */
const alarmMillis = 500

/** Joins the cluster and serves until the scope closes, then leaves. */
export const make = (
  options: ClusterOptions
): Effect.Effect<
  Context.Context<CheckoutSessions.CheckoutSessions | CheckoutEngine.CheckoutEngine | Retention.Retention | Cluster>,
  PeerServer.NodeRefused,
  Journal.Journal | Access.Access | Carts.Carts | SqlClient | Scope.Scope
> =>
  Effect.gen(function* () {
    const wanted = ClusterConfig.make(options)
    const ear = yield* PeerServer.listen(wanted)
    const config = { ...wanted, port: wanted.port === 0 ? ear.port : wanted.port }
    const membership = yield* Membership.make(config)
    const { custodian, heldShards, nodes, peers } = membership
    const engine = yield* CheckoutEngine.make({ alarmMillis, ...options.engine, custody: custodian })
    const here = Context.get(engine, CheckoutSessions.CheckoutSessions)
    const { startUpdate, ...rest } = Context.get(engine, CheckoutEngine.CheckoutEngine)
    ear.open({ service: here, startUpdate, inspect: rest.inspect })
    yield* Effect.addFinalizer(() => ear.leave)
    const address = { host: config.host, port: config.port }
    const sessions = ClusterSessions.make(here, membership)
    const runtime = yield* Effect.runtime<never>()
    return engine.pipe(
      Context.add(CheckoutSessions.CheckoutSessions, sessions),
      Context.add(CheckoutEngine.CheckoutEngine, {
        ...rest,
        calls: sessions,
        ...Starts.ofCalls(sessions, runtime),
        startUpdate: ClusterSessions.makeStartUpdate(startUpdate, sessions, membership, runtime)
      }),
      Context.add(Cluster, {
        address,
        heldShards,
        nodes,
        shards: config.shards,
        inspect: NodeInspections.make(`${config.host}:${config.port}`, rest.inspect, peers)
      })
    )
  })

/** The layer of `make`. */
export const layer = (
  options: ClusterOptions
): Layer.Layer<
  CheckoutSessions.CheckoutSessions | CheckoutEngine.CheckoutEngine | Retention.Retention | Cluster,
  PeerServer.NodeRefused,
  Journal.Journal | Access.Access | Carts.Carts | SqlClient
> => Layer.scopedContext(make(options))
