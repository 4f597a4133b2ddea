/**
 * Membership: the nodes of the cluster, and which node owns a session. `@effect/cluster` keeps nodes, their health and
 * the leases on shards in the database; this module answers two questions from them.
 *
 * - `ownerOf`: which node answers a call best. It may be wrong for a while; only speed depends on it.
 * - `custodian`: whose tasks run here. It depends on the lease. A node that was paused past its lease may still run a
 * task: then the operation id decides whose result counts, and the fence decides which commit counts.
 */
import * as MessageStorage from "@effect/cluster/MessageStorage"
import * as RunnerAddress from "@effect/cluster/RunnerAddress"
import * as RunnerHealth from "@effect/cluster/RunnerHealth"
import * as RunnerStorage from "@effect/cluster/RunnerStorage"
import * as Runners from "@effect/cluster/Runners"
import * as ShardId from "@effect/cluster/ShardId"
import * as Sharding from "@effect/cluster/Sharding"
import * as ShardingConfig from "@effect/cluster/ShardingConfig"
import * as SqlRunnerStorage from "@effect/cluster/SqlRunnerStorage"
import type { SqlClient } from "@effect/sql/SqlClient"
import type { CheckoutEngine } from "@onelane/checkout"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as ExecutionStrategy from "effect/ExecutionStrategy"
import * as Exit from "effect/Exit"
import * as HashRing from "effect/HashRing"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as PrimaryKey from "effect/PrimaryKey"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import type { ClusterConfig } from "./ClusterConfig.js"
import * as Peer from "./Peer.js"

/** A node's view of the cluster. */
export interface Membership {
  /** The peer that owns a session and is reachable now; null: answer here. */
  readonly ownerOf: (sessionId: string) => Peer.Peer | null
  readonly custodian: CheckoutEngine.Custodian
  /** Shards that this node holds the lease on. */
  readonly heldShards: () => number
  /** Nodes that seem alive, this one included. */
  readonly nodes: () => number
  /** All other nodes that are registered, by their addresses, whether or not they can be reached now. */
  readonly peers: () => ReadonlyMap<string, Peer.Peer>
}

/** The shard of a session, 0-based. */
export const shardOf = (sessionId: string, shards: number): number => {
  let hash = 2_166_136_261
  for (let index = 0; index < sessionId.length; index++)
    hash = Math.imul(hash ^ sessionId.charCodeAt(index), 16_777_619)
  return (hash >>> 0) % shards
}

const group = "default"

/** Registration, health and leases of this node in the database, by `@effect/cluster`. */
const sharding = (
  self: RunnerAddress.RunnerAddress,
  config: ClusterConfig,
  isAlive: RunnerHealth.RunnerHealth["Type"]
) =>
  Sharding.layer.pipe(
    Layer.provideMerge(Layer.retry(SqlRunnerStorage.layerWith({ prefix: "onelane" }), Schedule.recurs(3))),
    Layer.provide([Runners.layerNoop, Layer.succeed(RunnerHealth.RunnerHealth, isAlive)]),
    Layer.provide(MessageStorage.layerNoop),
    Layer.provide(
      ShardingConfig.layer({
        runnerAddress: Option.some(self),
        shardsPerGroup: config.shards,
        // A lease in a table expires by the clock. An advisory lock ends with its connection, and a paused node keeps
        // that.
        shardLockDisableAdvisory: true,
        shardLockExpiration: config.leaseMillis,
        refreshAssignmentsInterval: config.refreshMillis,
        runnerHealthCheckInterval: config.refreshMillis,
        entityMessagePollInterval: config.refreshMillis
      })
    )
  )

interface Known extends Peer.Peer {
  readonly scope: Scope.CloseableScope
}

/** Joins the cluster; when the scope closes, releases its leases and leaves. */
export const make = (config: ClusterConfig): Effect.Effect<Membership, never, SqlClient | Scope.Scope> =>
  Effect.gen(function* () {
    const self = RunnerAddress.make(config.host, config.port)
    const outer = yield* Effect.scope
    const peers = new Map<string, Known>()
    const isAlive = (address: RunnerAddress.RunnerAddress) => healthOf(peers, self, config, address)
    const context = yield* Layer.build(Layer.orDie(sharding(self, config, { isAlive })))
    const held = holding(Context.get(context, Sharding.Sharding), config)
    yield* Effect.forkScoped(Effect.interruptible(Effect.repeat(held.look, Schedule.spaced(config.heartbeatMillis))))

    let owners: ReadonlyArray<RunnerAddress.RunnerAddress> = []
    let members = ""
    const look = Effect.gen(function* () {
      const runners = yield* Context.get(context, RunnerStorage.RunnerStorage).getRunners
      const healthy = runners.flatMap(([runner, isHealthy]) => (isHealthy ? [runner] : []))
      yield* meet(
        peers,
        runners.map(([runner]) => runner.address),
        self,
        config,
        outer
      )
      const found = healthy
        .map(({ address }) => PrimaryKey.value(address))
        .sort()
        .join(" ")
      if (found === members) return
      members = found
      // The same hash ring by which `@effect/cluster` assigns shards.
      const ring = HashRing.make<RunnerAddress.RunnerAddress>()
      for (const { address, weight } of healthy) HashRing.add(ring, address, { weight })
      owners = HashRing.getShards(ring, config.shards) ?? []
    })
    const looking = Effect.catchAllCause(look, (cause) => Effect.logDebug("the nodes could not be read", cause))
    yield* Effect.forkScoped(Effect.interruptible(Effect.repeat(looking, Schedule.spaced(config.refreshMillis))))

    return {
      ownerOf: (sessionId) => {
        const owner = owners[shardOf(sessionId, config.shards)]
        const peer = owner === undefined ? undefined : peers.get(PrimaryKey.value(owner))
        return peer?.isReady() === true ? peer : null
      },
      custodian: held.custodian,
      heldShards: held.count,
      nodes: () => (members === "" ? 0 : members.split(" ").length),
      peers: () => peers
    }
  })

/** Connects to new nodes and disconnects from nodes that left. */
const meet = (
  peers: Map<string, Known>,
  found: ReadonlyArray<RunnerAddress.RunnerAddress>,
  self: RunnerAddress.RunnerAddress,
  config: ClusterConfig,
  outer: Scope.Scope
) =>
  Effect.gen(function* () {
    const others = new Map(found.map((address) => [PrimaryKey.value(address), address]))
    others.delete(PrimaryKey.value(self))
    for (const [key, address] of others) {
      if (peers.has(key)) continue
      const scope = yield* Scope.fork(outer, ExecutionStrategy.sequential)
      peers.set(key, { ...(yield* Scope.extend(Peer.make(address, config), scope)), scope })
    }
    for (const [key, { scope }] of peers) {
      if (others.has(key)) continue
      peers.delete(key)
      yield* Scope.close(scope, Exit.void)
    }
  })

/** A node is alive if it is reachable, or becomes reachable within `silenceMillis`. */
const healthOf = (
  peers: ReadonlyMap<string, Known>,
  self: RunnerAddress.RunnerAddress,
  { heartbeatMillis, silenceMillis }: ClusterConfig,
  address: RunnerAddress.RunnerAddress
): Effect.Effect<boolean> => {
  if (PrimaryKey.value(address) === PrimaryKey.value(self)) return Effect.succeed(true)
  const isReady = Effect.sync(() => peers.get(PrimaryKey.value(address))?.isReady() === true)
  return isReady.pipe(
    Effect.repeat({
      until: (ready) => ready,
      schedule: Schedule.spaced(heartbeatMillis),
      times: Math.ceil(silenceMillis / heartbeatMillis)
    }),
    Effect.zipRight(isReady)
  )
}

/** The shards this node holds, and since when. */
const holding = (library: Sharding.Sharding["Type"], { settleMillis, shards }: ClusterConfig) => {
  const ids = Array.from({ length: shards }, (_, shard) => ShardId.make(group, shard + 1))
  const since: Array<number | null> = ids.map(() => null)
  const isHeld = (shard: number): boolean => library.hasShardId(ids[shard]!)
  const custodian: CheckoutEngine.Custodian = {
    isMine: (sessionId) => isHeld(shardOf(sessionId, shards)),
    isSettled: (sessionId) => {
      const shard = shardOf(sessionId, shards)
      const from = since[shard] ?? null
      return from !== null && isHeld(shard) && performance.now() - from >= settleMillis
    }
  }
  return {
    custodian,
    count: () => ids.reduce((held, _, shard) => (isHeld(shard) ? held + 1 : held), 0),
    look: Effect.sync(() => {
      for (let shard = 0; shard < shards; shard++)
        since[shard] = isHeld(shard) ? (since[shard] ?? performance.now()) : null
    })
  }
}
