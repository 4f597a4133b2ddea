/**
 * HostContext: the async context of a call (`AsyncLocalStorage` of Node). Used only if the host provides ports: they
 * run in the context of the call that they answer.
 *
 * Measured on Node 20: `AsyncLocalStorage.snapshot` 11 to 13 µs, an `AsyncResource` 0.05 to 0.15 µs a call.
 */
import { AsyncResource } from "node:async_hooks"
import type { AsyncContext } from "@onelane/engine"

/** Captures the current context. */
export const capture: AsyncContext.Capture = () => {
  const resource = new AsyncResource("OnelaneCall", { requireManualDestroy: true })
  return (task) => resource.runInAsyncScope(task)
}
