/**
 * Cluster: a node among nodes over one database, in the order in which its parts open: ear, membership, engine, doors. It
 * leaves in the reverse order: what has begun is finished, then its shards are given back.
 */
import type { SqlClient } from "@effect/sql/SqlClient"
import { type Access, type Carts, CheckoutEngine, CheckoutSessions, type Retention } from "@onelane/checkout"
import type { Journal } from "@onelane/engine"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as ClusterConfig from "./ClusterConfig.js"
import * as ClusterSessions from "./ClusterSessions.js"
import * as Membership from "./Membership.js"
import * as PeerServer from "./PeerServer.js"

/** What an operator may look at. */
export interface ClusterShape {
  /** Where other nodes reach this one. */
  readonly address: { readonly host: string; readonly port: number }
  /** Shards this node holds the lease on: none, and it should not be sent traffic. */
  readonly heldShards: () => number
  /** Nodes that are thought to be there, this one included. */
  readonly nodes: () => number
}

/** This node. */
export class Cluster extends Context.Tag("@onelane/cluster/Cluster")<Cluster, ClusterShape>() {}

/** A node's own settings and those of its engine. */
export interface ClusterOptions extends ClusterConfig.ClusterOptions {
  readonly engine?: Omit<CheckoutEngine.CheckoutEngineOptions, "custody"> | undefined
}

/** Pause between two looks for claims and expiries, milliseconds: a node lets go of its tasks within it, and others wait longer. */
const alarmMillis = 500

/** Joins the cluster and serves; leaves when the scope closes. */
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
    const { custodian, heldShards, nodes } = membership
    const engine = yield* CheckoutEngine.make({ alarmMillis, ...options.engine, custody: custodian })
    const here = Context.get(engine, CheckoutSessions.CheckoutSessions)
    const { startUpdate, ...rest } = Context.get(engine, CheckoutEngine.CheckoutEngine)
    ear.open({ service: here, startUpdate })
    yield* Effect.addFinalizer(() => ear.leave)
    const address = { host: config.host, port: config.port }
    const sessions = ClusterSessions.make(here, membership)
    const runtime = yield* Effect.runtime<never>()
    return engine.pipe(
      Context.add(CheckoutSessions.CheckoutSessions, sessions),
      Context.add(CheckoutEngine.CheckoutEngine, {
        ...rest,
        startUpdate: ClusterSessions.makeStartUpdate(startUpdate, sessions, membership, runtime)
      }),
      Context.add(Cluster, { address, heldShards, nodes })
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
