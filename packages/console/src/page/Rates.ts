/**
 * Rates: rates per second from two readings of monotonic counters. Pure.
 */
import type { Histogram, Stats } from "./Contract.js"

/** What happened between two readings of one node. */
export interface Interval {
  readonly at: number
  readonly seconds: number
  readonly accepted: number
  /** Refusals a second, by cause. */
  readonly refused: Readonly<Record<string, number>>
}

/** Readings, oldest first; all from one process of one node. */
export type Readings = ReadonlyArray<Stats>

/** Readings that are kept. */
export const readingsMaxCount = 91

/** Adds a reading. Starts over if another process answered, or the reading is not newer than the last. */
export const add = (readings: Readings, next: Stats): Readings => {
  const last = readings.at(-1)
  if (last === undefined || last.node !== next.node || last.startedAt !== next.startedAt) return [next]
  return Date.parse(next.at) <= Date.parse(last.at) ? readings : [...readings, next].slice(-readingsMaxCount)
}

const between = (before: Stats, after: Stats): Interval => {
  const at = Date.parse(after.at)
  const seconds = (at - Date.parse(before.at)) / 1_000
  const perSecond = (count: number): number => Math.max(0, count) / seconds
  const refused = Object.entries(after.refusals).flatMap(([cause, count]): ReadonlyArray<[string, number]> => {
    const more = count - (before.refusals[cause] ?? 0)
    return more > 0 ? [[cause, perSecond(more)]] : []
  })
  return { at, seconds, accepted: perSecond(after.accepted - before.accepted), refused: Object.fromEntries(refused) }
}

/** What happened between each two readings. */
export const intervals = (readings: Readings): ReadonlyArray<Interval> =>
  readings.slice(1).map((after, index) => between(readings[index]!, after))

/** What happened from the first reading to the last; null while there is one only. */
export const overall = (readings: Readings): Interval | null =>
  readings.length < 2 ? null : between(readings[0]!, readings.at(-1)!)

/** The causes of refusals, the most frequent first; beyond `most`, together as `other`. */
export const causes = (all: ReadonlyArray<Interval>, most = 5): ReadonlyArray<string> => {
  const sums = new Map<string, number>()
  for (const { refused, seconds } of all)
    for (const [cause, each] of Object.entries(refused)) sums.set(cause, (sums.get(cause) ?? 0) + each * seconds)
  const ranked = [...sums].sort((a, b) => b[1] - a[1]).map(([cause]) => cause)
  return ranked.length <= most ? ranked : [...ranked.slice(0, most - 1), other]
}

/** All causes that are not named. */
export const other = "other"

/** Refusals a second of an interval, for each of these causes. */
export const byCause = ({ refused }: Interval, named: ReadonlyArray<string>): ReadonlyArray<number> =>
  named.map((cause) =>
    cause === other
      ? Object.entries(refused).reduce((sum, [each, rate]) => (named.includes(each) ? sum : sum + rate), 0)
      : (refused[cause] ?? 0)
  )

/** A histogram of what came after another reading of it. */
export const since = (before: Histogram, after: Histogram): Histogram => ({
  bounds: after.bounds,
  counts: after.counts.map((count, index) => Math.max(0, count - (before.counts[index] ?? 0)))
})

/** The upper bound of this quantile of a histogram; null: it is empty; Infinity: above the last bound. */
export const quantile = ({ bounds, counts }: Histogram, part: number): number | null => {
  const all = counts.reduce((sum, count) => sum + count, 0)
  if (all === 0) return null
  let seen = 0
  for (const [index, count] of counts.entries()) {
    seen += count
    if (seen >= part * all) return bounds[index] ?? Number.POSITIVE_INFINITY
  }
  return Number.POSITIVE_INFINITY
}
