/**
 * ListenerLimits: every bound of the TCP side, with its unit and default: what is checked before a request has a head,
 * and how long things may take. What is checked afterwards is in `HttpLimits`.
 */

import { NodeListener } from "@onelane/http"

/** The bounds. */
export interface ListenerLimits {
  /** Longest request line and headers together, in bytes; a longer one is answered 431. Default 16,384. */
  readonly headersMaxBytes: number
  /** Milliseconds a client may take for its headers, counted from the connection; then 408. Default 10,000. */
  readonly headersMillis: number
  /** Milliseconds a client may take for a whole request, its body included; then 408. Default 30,000. */
  readonly requestMillis: number
  /** Milliseconds a connection may lie idle between two requests; then it is closed. Default 5,000. */
  readonly idleMillis: number
  /** Milliseconds in which nothing moves although an answer is under way; then it is cut. Default 120,000. */
  readonly stallMillis: number
  /** Connections at once; one more is answered 503 and closed. Default 10,000. */
  readonly connectionsMaxCount: number
  /** Requests of one connection that are not answered yet; one more is answered 503, and the connection closed. Default 64. */
  readonly unansweredMaxCount: number
  /** Bytes of answers that clients have not read yet, all together; beyond, the slowest reader is cut. Default 67,108,864. */
  readonly answersMaxBytes: number
  /** Milliseconds in which the server is not ready any more (`/readyz`) but still takes work, once it is to end. Default 0. */
  readonly farewellMillis: number
  /** Milliseconds in which requests that were on their way when the engine drained are still answered. Default 250. */
  readonly lingerMillis: number
  /** Milliseconds that answers under way may then take. Default 2,000. */
  readonly closeMillis: number
}

/** The bounds in force when nothing else is said. */
export const defaults: ListenerLimits = {
  headersMaxBytes: 16_384,
  headersMillis: 10_000,
  requestMillis: 30_000,
  idleMillis: 5_000,
  stallMillis: 120_000,
  connectionsMaxCount: 10_000,
  ...NodeListener.defaults,
  farewellMillis: 0,
  lingerMillis: 250,
  closeMillis: 2_000
}
