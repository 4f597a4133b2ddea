/**
 * TokenBuckets: a rate limit per key, with bursts. Memory is bounded: a key is removed once its bucket is full again,
 * which has no effect. Beyond `capacity` keys the least recently used one is removed early, and starts again with a
 * full bucket.
 */

/** The buckets. */
export interface TokenBuckets {
  /**
   * Takes `count` tokens (default 1). Returns 0, or the milliseconds until that is possible. A count larger than the
   * bucket needs a bucket that lacks at most one token; the rest becomes debt.
   */
  readonly take: (key: string, nowMillis: number, count?: number) => number
  /** Number of keys in memory. */
  readonly size: () => number
}

/** `credit` is in thousandths of a call, so that whole numbers stay whole. */
interface Bucket {
  credit: number
  atMillis: number
}

const oneCall = 1_000

const unlimited: TokenBuckets = { take: () => 0, size: () => 0 }

/** Most keys in memory. */
const capacityKeys = 100_000

/** Makes buckets that fill at `perSecond` tokens and hold `burst` of them. */
export const make = (perSecond: number, burst: number, capacity = capacityKeys): TokenBuckets => {
  if (perSecond === Number.POSITIVE_INFINITY) return unlimited
  const buckets = new Map<string, Bucket>()
  const full = burst * oneCall

  // Keys are in the order of their last call, so the ones to remove come first.
  const forget = (nowMillis: number): void => {
    for (const [key, { atMillis, credit }] of buckets) {
      if (buckets.size < capacity && credit + (nowMillis - atMillis) * perSecond < full) return
      buckets.delete(key)
    }
  }

  return {
    take: (key, nowMillis, count = 1) => {
      const found = buckets.get(key)
      const bucket = found ?? { credit: full, atMillis: nowMillis }
      if (found === undefined) forget(nowMillis)
      else buckets.delete(key)
      const elapsedMillis = Math.max(0, nowMillis - bucket.atMillis)
      bucket.credit = Math.min(full, bucket.credit + elapsedMillis * perSecond)
      bucket.atMillis = nowMillis
      buckets.set(key, bucket)
      // A caller that takes many has just taken one for the same request.
      const needed = count === 1 ? oneCall : Math.min(count * oneCall, full - oneCall)
      if (bucket.credit < needed) return Math.ceil((needed - bucket.credit) / perSecond)
      bucket.credit -= count * oneCall
      return 0
    },
    size: () => buckets.size
  }
}
