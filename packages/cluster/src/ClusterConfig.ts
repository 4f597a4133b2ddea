/**
 * ClusterConfig: every limit of a cluster node, with unit and default. Owns no behaviour.
 *
 * The times depend on each other: peers drop a paused node after `silenceMillis`, and it loses its shards after
 * `leaseMillis`. The new owner waits `settleMillis`, longer than an alarm round, so that the previous owner has stopped
 * before it resumes claims.
 */

/** The settings of one node. */
export interface ClusterConfig {
  /** The address at which other nodes reach this one. */
  readonly host: string
  /** Its port; 0 picks a free one. Default 0. */
  readonly port: number
  /** The address to listen on. Default `host`. */
  readonly listenHost: string
  /** The port to listen on, if it differs from the one that others connect to. Default `port`. */
  readonly listenPort: number
  /** The secret that all nodes of one cluster share. A connection without it is refused. */
  readonly secret: string
  /** Number of shards; the same on every node. Default 128. */
  readonly shards: number
  /** How long a lease lasts without renewal, in milliseconds, a whole number of seconds. Default 3,000. */
  readonly leaseMillis: number
  /** How often a node reads the list of nodes, in milliseconds. Default 500. */
  readonly refreshMillis: number
  /** Pause between two heartbeats to a peer, in milliseconds. Default 200. */
  readonly heartbeatMillis: number
  /**
   * Milliseconds without a heartbeat after which a peer is dropped; its unanswered calls are then unknown. Default
   * 1,000.
   */
  readonly silenceMillis: number
  /** Milliseconds to hold a shard before its claims are resumed. Default 1,000. */
  readonly settleMillis: number
  /** Unanswered calls to one peer; when there are more, this node answers itself. Default 16,384. */
  readonly peerCapacity: number
  /** Longest message between nodes, characters. Default 4,194,304. */
  readonly frameCapacity: number
}

/** The defaults. */
export const defaults: Omit<ClusterConfig, "host" | "secret" | "listenHost" | "listenPort"> = {
  port: 0,
  shards: 128,
  leaseMillis: 3_000,
  refreshMillis: 500,
  heartbeatMillis: 200,
  silenceMillis: 1_000,
  settleMillis: 1_000,
  peerCapacity: 16_384,
  frameCapacity: 4_194_304
}

/** The settings a host must give, and those it may give. */
export type ClusterOptions = Pick<ClusterConfig, "host" | "secret"> & Partial<ClusterConfig>

/** The defaults with some values replaced. */
export const make = (options: ClusterOptions): ClusterConfig => ({
  ...defaults,
  listenHost: options.host,
  listenPort: options.port ?? defaults.port,
  ...options
})
