/**
 * HttpLimits: every bound of the wire, with its unit and default. Time-outs and connection counts belong to the listener
 * that hears the bytes; here is only what is checked once a request has a head.
 */

/** The bounds. */
export interface HttpLimits {
  /** Longest request body, in bytes; a longer one is answered 413. Default 1,048,576. */
  readonly bodyMaxBytes: number
  /** Deepest nesting of arrays and objects in a body. Default 32. */
  readonly jsonMaxDepth: number
  /** Most inputs of one standard-action call. Default 200, the vendor's own. */
  readonly inputsMaxCount: number
  /** Pause between two heartbeats of a silent event stream, in milliseconds. Default 15,000. */
  readonly heartbeatMillis: number
}

/** The bounds in force when a host sets none. */
export const defaults: HttpLimits = {
  bodyMaxBytes: 1_048_576,
  jsonMaxDepth: 32,
  inputsMaxCount: 200,
  heartbeatMillis: 15_000
}
