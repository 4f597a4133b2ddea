/**
 * RetryOptions: how often a call is retried, and with which pauses. The same for an engine in this process and for a
 * server.
 */
import * as Options from "../open/Options.js"

/** Exponential backoff with full jitter. Waits at least the answer's `retryAfterMillis`, up to `maxMillis`. */
export interface RetryOptions {
  /** Retries after the first attempt, at most 200; 0 turns retries off. Default 8. */
  readonly limit?: number | undefined
  /** Upper bound of the first pause, in milliseconds. Default 50. */
  readonly baseMillis?: number | undefined
  /** Longest pause in milliseconds. Default 2,000. */
  readonly maxMillis?: number | undefined
}

/** All three, with defaults. */
export const withDefaults = ({ baseMillis = 50, limit = 8, maxMillis = 2_000 }: RetryOptions) => ({
  baseMillis,
  limit,
  maxMillis
})

/** Most retries of a call. */
export const limitMax = 200

/** Longest pause that an option may set, milliseconds: an hour. */
const pauseMax = 3_600_000

/** Validates `RetryOptions`. */
export const option = Options.nested<RetryOptions>({
  limit: Options.whole(0, limitMax),
  baseMillis: Options.whole(0, pauseMax),
  maxMillis: Options.whole(0, pauseMax)
})
