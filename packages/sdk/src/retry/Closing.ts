/**
 * Closing: notifies waiting calls that the service is being closed.
 */
import type * as CheckoutError from "@onelane/checkout/CheckoutError"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"
import { draining } from "../door/Result.js"

/** The end of a service. */
export interface Closing {
  readonly isClosed: () => boolean
  /** Calls back once when it is closed, unless the returned function is called before. */
  readonly listen: (onClosed: () => void) => () => void
}

/** For a service that is never closed. */
export const never: Closing = { isClosed: () => false, listen: () => () => {} }

/** Closes with the scope. */
export const make: Effect.Effect<Closing, never, Scope.Scope> = Effect.acquireRelease(
  Effect.sync(() => {
    const listeners = new Set<() => void>()
    let isClosed = false
    const close = (): void => {
      isClosed = true
      for (const onClosed of listeners) onClosed()
      listeners.clear()
    }
    const listen: Closing["listen"] = (onClosed) => {
      const listener = () => onClosed()
      if (isClosed) listener()
      else listeners.add(listener)
      return () => void listeners.delete(listener)
    }
    return { isClosed: () => isClosed, listen, close }
  }),
  ({ close }) => Effect.sync(close)
)

/** Fails when the service is closed. */
export const until = ({ listen }: Closing): Effect.Effect<never, CheckoutError.Overloaded> =>
  Effect.async((resume) => Effect.sync(listen(() => resume(Exit.fail(draining)))))
