/**
 * ClusterConfig: every limit of a node among nodes, with unit and default. Owns no behaviour.
 *
 * The times hang together: a paused node is cut off by its peers after `silenceMillis`, loses its shards after
 * `leaseMillis`, and whoever takes them waits `settleMillis`, longer than a round of alarms, before it resumes their claims.
 */

/** One node. */
export interface ClusterConfig {
  /** The address other nodes reach this one at. */
  readonly host: string
  /** Its port; 0 takes a free one. Default 0. */
  readonly port: number
  /** The address to listen on. Default `host`. */
  readonly listenHost: string
  /** The port to listen on, where others reach it by another one. Default `port`. */
  readonly listenPort: number
  /** What all nodes of one cluster know and nobody else: a node that does not say it is not heard. */
  readonly secret: string
  /** Parts the sessions are divided into; the same on every node. Default 128. */
  readonly shards: number
  /** How long a node keeps its shards without renewing, in whole seconds' milliseconds. Default 3,000. */
  readonly leaseMillis: number
  /** How often a node looks who is there. Default 500. */
  readonly refreshMillis: number
  /** Pause between two signs of life to a peer. Default 200. */
  readonly heartbeatMillis: number
  /** Silence after which a peer is given up, and what it was asked is unknown. Default 1,000. */
  readonly silenceMillis: number
  /** How long a shard must be held before its claims are resumed. Default 1,000. */
  readonly settleMillis: number
  /** Calls one peer may owe an answer to; beyond them calls are answered here. Default 16,384. */
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

/** What a host must say, and what it may. */
export type ClusterOptions = Pick<ClusterConfig, "host" | "secret"> & Partial<ClusterConfig>

/** The defaults with some values replaced. */
export const make = (options: ClusterOptions): ClusterConfig => ({
  ...defaults,
  listenHost: options.host,
  listenPort: options.port ?? defaults.port,
  ...options
})
