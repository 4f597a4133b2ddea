/**
 * Shares: how evenly sessions are spread over shards, and shards over runners: the cluster's own hash and its library's
 * own ring.
 */
import * as RunnerAddress from "@effect/cluster/RunnerAddress"
import { shardOf } from "@onelane/cluster"
import * as Seeded from "@onelane/testing/Seeded"
import { HashRing, PrimaryKey } from "effect"

/** The share of all shards that each of `runners` gets. */
export const ofRunners = (runners: number, shards: number): ReadonlyArray<number> => {
  const ring = HashRing.make<RunnerAddress.RunnerAddress>()
  const addresses = Array.from({ length: runners }, (_, index) => RunnerAddress.make(`10.0.0.${index + 1}`, 7_070))
  for (const address of addresses) HashRing.add(ring, address)
  const owners = (HashRing.getShards(ring, shards) ?? []).map((owner) => PrimaryKey.value(owner))
  return addresses.map((address) => owners.filter((owner) => owner === PrimaryKey.value(address)).length / shards)
}

/** The variation of sessions per shard, relative to pure chance (1), found by hashing so many random ids. */
export const dispersion = (sessions: number, shards: number): number => {
  const counts = new Float64Array(shards)
  const seeded = Seeded.make(7)
  const letters = (): string =>
    seeded
      .below(36 ** 5)
      .toString(36)
      .padStart(5, "0")
  for (let made = 0; made < sessions; made++) counts[shardOf(`cs_${letters()}${letters()}`, shards)]! += 1
  const mean = sessions / shards
  return counts.reduce((sum, count) => sum + (count - mean) ** 2, 0) / shards / mean
}

/**
 * The fullest of `shards` relative to the mean, if `sessions` are placed at random: the mean plus √(2 ln shards)
 * deviations.
 */
export const fullestShard = (sessions: number, shards: number): number =>
  1 + Math.sqrt((2 * Math.log(shards) * shards) / sessions)
