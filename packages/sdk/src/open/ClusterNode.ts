/**
 * ClusterNode: an embedded engine as a node of a cluster, together with other programs and with `onelane serve
 * --cluster`. Loads the optional peer `@onelane/cluster` on demand.
 */
import type * as Access from "@onelane/checkout/Access"
import type * as Carts from "@onelane/checkout/Carts"
import * as CheckoutEngine from "@onelane/checkout/CheckoutEngine"
import type { Journal } from "@onelane/engine"
import type { DatabaseRefused } from "@onelane/sql"
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Options from "./Options.js"

/**
 * How this program takes part in a cluster. Every node of a cluster has the same storage, secret and number of shards.
 */
export interface ClusterOptions {
  /**
   * `host:port` at which the other nodes reach this one; port 0 picks a free one. Keep it private: calls are not
   * encrypted.
   */
  readonly address: string
  /** `host:port` to listen on, if it differs. Default: `address`. */
  readonly listen?: string | undefined
  /**
   * The secret that all nodes share. Default: derived from `storage`, which must then be the same text on all nodes.
   */
  readonly secret?: string | undefined
  /** Number of shards; the same on every node. Default 128. */
  readonly shards?: number | undefined
  /** How long a lease lasts without renewal, in milliseconds, a whole number of seconds. Default 3,000. */
  readonly leaseMillis?: number | undefined
  /** How often the list of nodes is read, in milliseconds. Default 500. */
  readonly refreshMillis?: number | undefined
  /** Pause between two heartbeats to a peer, in milliseconds. Default 200. */
  readonly heartbeatMillis?: number | undefined
  /** Milliseconds without a heartbeat after which a peer is dropped. Default 1,000. */
  readonly silenceMillis?: number | undefined
  /** Milliseconds to hold a shard before its claims are resumed; longer than 500. Default 1,000. */
  readonly settleMillis?: number | undefined
}

const longestMillis = 3_600_000

const aSecond = 1_000

/** Validates `ClusterOptions`. The form of an address is checked when the cluster is loaded. */
export const option = Options.nested<ClusterOptions>({
  address: Options.text,
  listen: Options.optionalText,
  secret: Options.optionalText,
  shards: Options.whole(1, 65_536),
  leaseMillis: {
    is: `a whole number of seconds, in milliseconds, up to ${longestMillis}`,
    check: (value) => Options.whole(aSecond, longestMillis).check(value) && (value as number) % aSecond === 0
  },
  refreshMillis: Options.whole(1, longestMillis),
  heartbeatMillis: Options.whole(1, longestMillis),
  silenceMillis: Options.whole(1, longestMillis),
  settleMillis: Options.whole(1, longestMillis)
})

/** Why a program does not take part in a cluster. `message` is one sentence for the operator. */
export class ClusterRefused extends Data.TaggedError("ClusterRefused")<{
  readonly message: string
  readonly cause?: unknown
}> {}

/** This node, as an operator sees it. */
export interface ClusterNodeShape {
  /** `host:port` at which the other nodes reach it. */
  readonly address: string
  /** Shards that it holds the lease on; with none it only forwards. */
  readonly heldShards: () => number
  /** Nodes that seem alive, this one included. */
  readonly nodes: () => number
}

/** This node; absent without a cluster. */
export class ClusterNode extends Context.Tag("@onelane/sdk/ClusterNode")<ClusterNode, ClusterNodeShape>() {}

const refusedBy = (cause: unknown): ClusterRefused => {
  const isMissing = /^(ERR_)?MODULE_NOT_FOUND$/.test(String(Object(cause).code))
  const why = isMissing ? "it is not installed: npm install @onelane/cluster" : String(cause)
  return new ClusterRefused({ message: `@onelane/cluster could not be loaded: ${why}`, cause })
}

// The import is awaited in a `try`, so that a bundler leaves out a missing package instead of failing.
const loaded = async () => {
  try {
    return await import("@onelane/cluster")
  } catch (cause) {
    throw refusedBy(cause)
  }
}

const load = Effect.tryPromise({ try: loaded, catch: (cause) => cause as ClusterRefused })

/**
 * Joins the cluster of a storage (`postgres://…`) until the scope closes. Dies with a `TypeError` for an invalid
 * address.
 */
export const make = (
  storage: string,
  { address, listen, ...options }: ClusterOptions,
  engine: CheckoutEngine.CheckoutEngineOptions
): Effect.Effect<
  Context.Context<CheckoutEngine.CheckoutEngine | ClusterNode>,
  DatabaseRefused.DatabaseRefused | ClusterRefused,
  Journal.Journal | Access.Access | Carts.Carts | Scope.Scope
> =>
  Effect.gen(function* () {
    const { Cluster, NodeAddress, PostgresNode } = yield* load
    const parse = (name: string, text: string) => {
      const parsed = NodeAddress.parse(text)
      if (parsed === null) throw new TypeError(`Onelane.open: cluster.${name} must be host:port`)
      return parsed
    }
    const { host, port } = parse("address", address)
    const heard = listen === undefined ? null : parse("listen", listen)
    const listening = heard === null ? {} : { listenHost: heard.host, listenPort: heard.port }
    const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
    const joined = yield* PostgresNode.make(storage, { ...given, ...listening, host, port, engine }).pipe(
      Effect.catchTag("NodeRefused", ({ cause, message }) => Effect.fail(new ClusterRefused({ message, cause })))
    )
    const { address: found, heldShards, nodes } = Context.get(joined, Cluster.Cluster)
    const shown = found.host.includes(":") ? `[${found.host}]` : found.host
    return Context.make(CheckoutEngine.CheckoutEngine, Context.get(joined, CheckoutEngine.CheckoutEngine)).pipe(
      Context.add(ClusterNode, { address: `${shown}:${found.port}`, heldShards, nodes })
    )
  })
