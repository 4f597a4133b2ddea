/**
 * Backoff: exponential backoff with full jitter. Pure: the caller provides the random number. The same as that of the engine,
 * which this package, without dependencies, cannot import.
 * Source: "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
 */

/** Doublings after which the longest pause is reached in any case. */
const doublingsMax = 30

/** The pause after `failures` failed attempts, milliseconds: `atLeastMillis` plus the fraction `jitter` (0..1) of the backoff. */
export const pauseMillis = (
  { baseMillis, maxMillis }: { readonly baseMillis: number; readonly maxMillis: number },
  failures: number,
  jitter: number,
  atLeastMillis: number
): number =>
  Math.min(maxMillis, atLeastMillis) +
  Math.ceil(jitter * Math.min(maxMillis, baseMillis * 2 ** Math.min(failures - 1, doublingsMax)))
