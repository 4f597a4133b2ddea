/**
 * HttpLimits: the limits of requests, with units and defaults. Timeouts and connection counts belong to the listener;
 * these limits are checked once the request head has arrived.
 */

/** The limits. */
export interface HttpLimits {
  /** Longest request body, in bytes; a longer one is answered 413. Default 1,048,576. */
  readonly bodyMaxBytes: number
  /** Deepest nesting of arrays and objects in a body. Default 33: a session's data has 32, and the body one. */
  readonly jsonMaxDepth: number
  /** Most values (members and elements) in a body, at all levels together. Default 10,000. */
  readonly jsonValuesMaxCount: number
  /** Most inputs of one standard-action call. Default 200, the vendor's own. */
  readonly inputsMaxCount: number
  /** Pause between two heartbeats of a silent event stream, in milliseconds. Default 15,000. */
  readonly heartbeatMillis: number
  /** Concurrent requests; one more is answered 503. Open event streams do not count. Default 8,192. */
  readonly requestsMaxCount: number
  /** Bytes of bodies being read at once, all callers together; one more body is answered 503. Default 67,108,864. */
  readonly bodiesMaxBytes: number
  /** Requests that wait for a session at once (`Prefer: wait`); one more is answered without waiting. Default 4,096. */
  readonly waitsMaxCount: number
  /** Open event streams of one caller; one more is answered 429. Default 100. */
  readonly streamsMaxCount: number
  /** Inputs a second of one caller, on average; more are answered 429. Default: unlimited. */
  readonly callsPerSecond: number
  /** The same for callers who are only buyers; the lower of the two counts. Default 500. */
  readonly buyerCallsPerSecond: number
  /** Inputs one caller may send at once before the average counts. Default 1,000. */
  readonly burstCount: number
}

/** The default limits. */
export const defaults: HttpLimits = {
  bodyMaxBytes: 1_048_576,
  jsonMaxDepth: 33,
  jsonValuesMaxCount: 10_000,
  inputsMaxCount: 200,
  heartbeatMillis: 15_000,
  requestsMaxCount: 8_192,
  bodiesMaxBytes: 67_108_864,
  waitsMaxCount: 4_096,
  streamsMaxCount: 100,
  callsPerSecond: Number.POSITIVE_INFINITY,
  buyerCallsPerSecond: 500,
  burstCount: 1_000
}
