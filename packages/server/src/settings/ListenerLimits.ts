/**
 * ListenerLimits: the limits of the TCP side, with units and defaults: those that apply before a request's head is
 * read, and timeouts. All later ones are in `HttpLimits`.
 */

import { NodeListener } from "@onelane/http"

/** The limits. */
export interface ListenerLimits {
  /** Longest request line and headers together, in bytes; a longer one is answered 431. Default 16,384. */
  readonly headersMaxBytes: number
  /** Milliseconds a client may take for its headers, counted from the connection; then 408. Default 10,000. */
  readonly headersMillis: number
  /** Milliseconds a client may take for a whole request, its body included; then 408. Default 30,000. */
  readonly requestMillis: number
  /** Milliseconds a connection may lie idle between two requests; then it is closed. Default 5,000. */
  readonly idleMillis: number
  /** Milliseconds without progress while an answer is being written; then the connection is cut. Default 120,000. */
  readonly stallMillis: number
  /** Open connections; one more is answered 503 and closed. Default 10,000. */
  readonly connectionsMaxCount: number
  /** Unanswered requests of one connection; one more is answered 503, and the connection is closed. Default 64. */
  readonly unansweredMaxCount: number
  /** Bytes of all answers that clients have not read yet; beyond, the slowest reader is cut. Default 67,108,864. */
  readonly answersMaxBytes: number
  /** Milliseconds of a shutdown in which `/readyz` is 503 and work is still accepted. Default 0. */
  readonly farewellMillis: number
  /** Milliseconds for requests that were in transit when the engine drained. Default 250. */
  readonly lingerMillis: number
  /** Milliseconds that answers in progress may then take. Default 2,000. */
  readonly closeMillis: number
}

/** The default limits. */
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
