/**
 * Backoff: exponential backoff with full jitter, for all retries: of calls, streams and tasks. Pure: the caller
 * provides the random number. Source: "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
 */

/** How pauses grow. */
export interface BackoffPolicy {
  /** Longest first pause, milliseconds; each following one may be twice as long. */
  readonly baseMillis: number
  /** Longest pause of all, milliseconds. */
  readonly maxMillis: number
}

/** Doublings after which the longest pause is reached in any case. */
const doublingsMax = 30

/**
 * The pause after `failures` failed attempts (1 or more), milliseconds: `atLeastMillis` (at most `maxMillis`) plus the
 * fraction `jitter` (0..1) of the backoff.
 */
export const pauseMillis = (
  { baseMillis, maxMillis }: BackoffPolicy,
  failures: number,
  jitter: number,
  atLeastMillis = 0
): number =>
  Math.min(maxMillis, atLeastMillis) +
  Math.ceil(jitter * Math.min(maxMillis, baseMillis * 2 ** Math.min(failures - 1, doublingsMax)))
