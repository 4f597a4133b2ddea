/**
 * WebMount: a checkout as a function from a web-standard `Request` to a `Response`: Hono, Next, Deno, Bun,
 * Cloudflare-like hosts.
 */
import { WebHandler } from "@onelane/http"
import type { EmbeddedCheckout } from "../open/Embedded.js"
import * as Mount from "./Mount.js"
import type { MountOptions } from "./MountOptions.js"

/** Answers requests. It never rejects. */
export interface WebMount<R extends Request> {
  (request: R): Promise<Response>
  /**
   * Closes it: new requests are refused (503, `DRAINING`), event streams end, and running requests are answered within
   * `closeMillis`. The checkout stays open. Closing the checkout does the same.
   */
  readonly close: () => Promise<void>
}

/**
 * Mounts a checkout in a host that uses `Request` and `Response`: both formats, streams, waits, tags, keys and limits
 * of `onelane serve`, under any base path.
 *
 * **Errors**: throws a `TypeError` for a checkout that `Onelane.open` did not give, and for a wrong option.
 */
export const toWebHandler = <R extends Request = Request>(
  checkout: EmbeddedCheckout<any>,
  options: MountOptions<R>
): WebMount<R> => {
  const { close, core, mounting } = Mount.make("toWebHandler", checkout, options)
  return Object.assign(WebHandler.make(core, mounting), { close })
}
