/**
 * PostgresNode: a node over the PostgreSQL that holds the journal. Its leases use connections of their own, so that
 * load cannot make the node look dead.
 */
import { createHash } from "node:crypto"
import type { Access, Carts, CheckoutEngine, CheckoutSessions, Retention } from "@onelane/checkout"
import type { Journal } from "@onelane/engine"
import { type DatabaseRefused, PostgresDriver } from "@onelane/sql"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Cluster from "./Cluster.js"
import type * as PeerServer from "./PeerServer.js"

/** Connections of a node for leases and membership. */
const connections = 4

/** The settings of a node. `secret`: by default derived from the storage, which all nodes of a cluster write alike. */
export interface PostgresNodeOptions extends Omit<Cluster.ClusterOptions, "secret"> {
  readonly secret?: string | undefined
}

/** The secret of a cluster whose settings give none. */
export const secretOf = (storage: string): string => createHash("sha256").update(storage).digest("hex")

/** Joins the cluster of a storage (`postgres://…`) and serves until the scope closes, then leaves. */
export const make = (
  storage: string,
  options: PostgresNodeOptions
): Effect.Effect<
  Context.Context<
    CheckoutSessions.CheckoutSessions | CheckoutEngine.CheckoutEngine | Retention.Retention | Cluster.Cluster
  >,
  DatabaseRefused.DatabaseRefused | PeerServer.NodeRefused,
  Journal.Journal | Access.Access | Carts.Carts | Scope.Scope
> =>
  Effect.gen(function* () {
    const { layer } = yield* PostgresDriver.load
    const leases = yield* Layer.build(layer({ url: storage, connections, forLeases: true }))
    const secret = options.secret ?? secretOf(storage)
    return yield* Effect.provide(Cluster.make({ ...options, secret }), leases)
  })
