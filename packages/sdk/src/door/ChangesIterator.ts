/**
 * ChangesIterator: a subscription as an `AsyncIterable` of history entries. Errors are thrown as `OnelaneError`. The iteration
 * is done when the session is archived or the signal aborts; closing the checkout throws `Closed`.
 *
 * It follows the rules of iterators: every call is answered, in order; after the end, an error or `return`, every `next` is done.
 */
import type * as CheckoutSession from "@onelane/checkout/CheckoutSession"
import * as Subscription from "@onelane/checkout/Subscription"
import { AsyncContext } from "@onelane/engine"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FiberRef from "effect/FiberRef"
import * as Runtime from "effect/Runtime"
import * as Scope from "effect/Scope"
import type { Behind } from "./Behind.js"
import { type CallError, closed, OnelaneError } from "./Result.js"

type Entry = CheckoutSession.HistoryEntry

/** Reads the next entry. */
type Read = Effect.Effect<Entry | null, CallError>

/** Creates the iterable. It subscribes when the first `next` is called, in the async context in which the iteration begins. */
export const make = (
  behind: Behind,
  follow: () => Subscription.Follow,
  signal: AbortSignal | undefined
): AsyncIterable<Entry> => ({ [Symbol.asyncIterator]: () => iterate(behind, follow, signal) })

const end: IteratorResult<Entry> = { done: true, value: undefined }

const iterate = (
  behind: Behind,
  follow: () => Subscription.Follow,
  signal: AbortSignal | undefined
): AsyncIterator<Entry> => {
  const runtime = runtimeOf(behind)
  const scope = Runtime.runSync(runtime)(Scope.make())
  let read: Read = Effect.flatMap(Scope.extend(Effect.suspend(follow), scope), (subscription) => {
    read = Subscription.entries(subscription)
    return read
  })
  let reading: Fiber.RuntimeFiber<Entry | null, CallError> | null = null
  let answer = (_: IteratorResult<Entry>): void => {}
  let last: Promise<unknown> = Promise.resolve()
  let left: Promise<void> | null = null
  const leave = (): Promise<void> => {
    signal?.removeEventListener("abort", abort)
    const stop = reading === null ? Effect.void : Fiber.interrupt(reading)
    left ??= Runtime.runPromise(behind.runtime)(Effect.zipRight(stop, Scope.close(scope, Exit.void)))
    return left
  }
  const abort = (): void => {
    void leave()
    answer(end)
  }
  const step = (): Promise<IteratorResult<Entry>> =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) void leave()
      if (left !== null) return resolve(end)
      answer = resolve
      reading = Runtime.runFork(runtime)(behind.closed() ? Effect.fail(closed) : read)
      reading.addObserver((exit) => {
        reading = null
        if (Exit.isSuccess(exit) && exit.value !== null) return resolve({ done: false, value: exit.value })
        void leave()
        if (Exit.isSuccess(exit)) resolve(end)
        else reject(thrown(exit.cause, behind))
      })
    })
  signal?.addEventListener("abort", abort, { once: true })
  return {
    next: () => {
      const result = last.then(step)
      last = result.catch(() => {})
      return result
    },
    return: async () => {
      const leaving = leave()
      answer(end)
      await leaving
      return end
    }
  }
}

/** The value to throw: an `OnelaneError` for a typed error, the defect itself otherwise. */
const thrown = (cause: Cause.Cause<CallError>, behind: Behind): unknown => {
  if (behind.closed()) return new OnelaneError(closed)
  return cause._tag === "Fail" ? new OnelaneError(cause.error) : Cause.squash(cause)
}

const runtimeOf = ({ capture, runtime }: Behind): Runtime.Runtime<never> =>
  capture === undefined
    ? runtime
    : Runtime.setFiberRef(runtime, FiberRef.currentScheduler, AsyncContext.schedulerOf(capture(), runtime))
