/**
 * Behind: the service, runtime and lifetime that the Promise API works with. Builds and closes them; adds no rule.
 */
import type * as CheckoutSessions from "@onelane/checkout/CheckoutSessions"
import type * as Starts from "@onelane/checkout/Starts"
import type { AsyncContext } from "@onelane/engine"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import type * as Runtime from "effect/Runtime"
import * as HostLogger from "../open/HostLogger.js"
import * as Calls from "./Calls.js"

/** What the Promise API works with. */
export interface Behind {
  readonly calls: CheckoutSessions.SessionCalls
  /** Calls that begin without a fiber; only if the engine runs in this process. */
  readonly starts?: Starts.Starts | undefined
  readonly runtime: Runtime.Runtime<never>
  /** Captures the async context of a call; only if the host provides its own ports. */
  readonly capture?: AsyncContext.Capture | undefined
  /** Ends the mounts in the host's servers, finishes running calls, and releases all resources. */
  readonly close: () => Promise<void>
  /** Calls `leave` when `close` is called, and waits for it; returns the function that unregisters it. */
  readonly onClose: (leave: () => Promise<void>) => () => void
  /** True once `close` was called. */
  readonly closed: () => boolean
}

/** Builds a layer and sends its log lines to the host's logger. Rejects with the layer's own error. */
export const build = async <R, E>(
  layer: Layer.Layer<R | Calls.Calls, E>,
  logger: HostLogger.HostLogger | undefined
): Promise<{ readonly behind: Behind; readonly context: Context.Context<R> }> => {
  const managed = ManagedRuntime.make(Layer.provideMerge(layer, HostLogger.layer(logger)))
  const built = await Effect.runPromiseExit(managed.runtimeEffect)
  if (Exit.isFailure(built)) throw Cause.squash(built.cause)
  const { context } = built.value
  let isClosed = false
  let closing: Promise<void> | undefined
  const leaving = new Set<() => Promise<void>>()
  const end = async (): Promise<void> => {
    // The engine still answers running requests, because it finishes started calls.
    const left = Promise.all(Array.from(leaving, (leave) => leave()))
    await managed.dispose()
    await left
  }
  const close = (): Promise<void> => {
    // Set before the runtime is disposed of, because listeners of the end read it.
    isClosed = true
    closing ??= leaving.size === 0 ? managed.dispose() : end()
    return closing
  }
  const onClose = (leave: () => Promise<void>) => {
    leaving.add(leave)
    return () => void leaving.delete(leave)
  }
  const calls = Context.get(context, Calls.Calls)
  return { behind: { calls, runtime: built.value, close, onClose, closed: () => isClosed }, context }
}
