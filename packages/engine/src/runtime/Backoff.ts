/**
 * Backoff: exponential pauses with full jitter, for everything that is tried again. Pure: the random number is the caller's.
 * Source: "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
 */

/** How pauses grow. */
export interface BackoffPolicy {
  /** Longest first pause, milliseconds; each following one may be twice as long. */
  readonly baseMillis: number
  /** Longest pause of all, milliseconds. */
  readonly maxMillis: number
}

/** Doublings after which a pause is the longest in any case. */
const doublingsMax = 30

/**
 * The pause after `failures` failed tries (1 or more), milliseconds: a part, `jitter` (0..1), of the longest one, and
 * `atLeastMillis` besides, which itself is cut to `maxMillis`.
 */
export const pauseMillis = (
  { baseMillis, maxMillis }: BackoffPolicy,
  failures: number,
  jitter: number,
  atLeastMillis = 0
): number =>
  Math.min(maxMillis, atLeastMillis) +
  Math.ceil(jitter * Math.min(maxMillis, baseMillis * 2 ** Math.min(failures - 1, doublingsMax)))
