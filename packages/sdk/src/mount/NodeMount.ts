/**
 * NodeMount: a checkout as a listener of `node:http`: Express, Fastify, Nest, Koa, or a bare server.
 */
import type { IncomingMessage, ServerResponse } from "node:http"
import { NodeListener } from "@onelane/http"
import type { EmbeddedCheckout } from "../open/Embedded.js"
import * as Mount from "./Mount.js"
import type { MountOptions } from "./MountOptions.js"

/** Answers all requests: it never calls `next`. */
export interface NodeMount<R extends IncomingMessage> {
  (request: R, response: ServerResponse): void
  /**
   * Closes it: new requests are refused (503, `DRAINING`), event streams end, and running requests are answered within
   * `closeMillis`. The checkout stays open. Closing the checkout does the same.
   */
  readonly close: () => Promise<void>
}

/**
 * Mounts a checkout in a server of Node: both formats, streams, waits, tags, keys and limits of `onelane serve`, under
 * any base path. A body that middleware has parsed already is taken from `request.body`.
 *
 * **Errors**: throws a `TypeError` for a checkout that `Onelane.open` did not give, and for a wrong option.
 */
export const toNodeHandler = <R extends IncomingMessage = IncomingMessage>(
  checkout: EmbeddedCheckout<any>,
  options: MountOptions<R>
): NodeMount<R> => {
  const { close, core, mounting } = Mount.make("toNodeHandler", checkout, options)
  const listen = NodeListener.mount(core, mounting)
  return Object.assign((request: R, response: ServerResponse) => listen(request, response), { close })
}
