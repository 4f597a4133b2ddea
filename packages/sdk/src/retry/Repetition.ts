/**
 * Repetition: runs a call and retries it as `Outcome` decides.
 */
import type * as CheckoutError from "@onelane/checkout/CheckoutError"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Outcome from "./Outcome.js"

/** A read may always be sent again. */
export const read: Outcome.Call = { repeatable: true }

/** Runs a call and its retries. `errors`: the answers to earlier attempts. */
export const repeat = <A, E extends CheckoutError.CheckoutError>(
  policy: Outcome.Policy,
  call: Outcome.Call,
  send: () => Effect.Effect<A, E>,
  errors: ReadonlyArray<E> = []
): Effect.Effect<A, E | CheckoutError.StorageUnavailable> =>
  Effect.catchAll(Effect.suspend(send), (error) => goOn(policy, call, send, [...errors, error]))

/** Continues after a failed attempt. */
export const goOn = <A, E extends CheckoutError.CheckoutError>(
  policy: Outcome.Policy,
  call: Outcome.Call,
  send: () => Effect.Effect<A, E>,
  errors: ReadonlyArray<E>
): Effect.Effect<A, E | CheckoutError.StorageUnavailable> => {
  const next = Outcome.next(call, policy, errors)
  if (next.step !== "wait") return Effect.fail(next.error)
  return Effect.flatMap(Random.next, (jitter) =>
    Effect.zipRight(Effect.sleep(next.pauseMillis(jitter)), repeat(policy, call, send, errors))
  )
}
