/**
 * Following: sessions watched from a program: the stream taken up again when it breaks, and given as an `AsyncIterable`.
 *
 * Not imported by the rest but loaded when somebody first watches (`Later`): it needs all of `Stream`.
 */

import type * as Caller from "@onelane/checkout/Caller"
import { watch } from "@onelane/checkout/Changes"
import type * as CheckoutError from "@onelane/checkout/CheckoutError"
import type * as CheckoutSession from "@onelane/checkout/CheckoutSession"
import type * as CheckoutSessions from "@onelane/checkout/CheckoutSessions"
import { AsyncContext } from "@onelane/engine"
import * as Effect from "effect/Effect"
import * as FiberRef from "effect/FiberRef"
import * as Random from "effect/Random"
import * as Runtime from "effect/Runtime"
import * as Stream from "effect/Stream"
import type * as Checkout from "./Checkout.js"
import * as Outcome from "./Outcome.js"
import { type CallError, closed, OnelaneError } from "./Result.js"
import * as Retry from "./Retry.js"

export { watch }

/**
 * Takes a broken stream up again after the last version seen; `limit` counts breaks without an entry in between. `closing`
 * fails when the service is closed, and the stream with it.
 */
export const following = (
  policy: Outcome.Policy,
  sessions: CheckoutSessions.CheckoutSessionsShape,
  caller: Caller.Caller,
  input: CheckoutSessions.ChangesInput,
  closing: Effect.Effect<never, CheckoutError.Overloaded>
): Stream.Stream<CheckoutSession.HistoryEntry, CheckoutError.HistoryError> => {
  const from = (afterVersion: number): ReturnType<typeof sessions.changes> => {
    let seen = afterVersion
    let attempt = 1
    const resume = (): ReturnType<typeof sessions.changes> =>
      Stream.suspend(() => sessions.changes(caller, { ...input, afterVersion: seen })).pipe(
        Stream.tap((entry) =>
          Effect.sync(() => {
            seen = entry.version
            attempt = 1
          })
        ),
        Stream.catchAll((error) =>
          attempt > policy.limit || !Outcome.mayRepeat(policy, true, error)
            ? Stream.fail(error)
            : Stream.unwrap(
                Effect.map(Random.next, (jitter) => {
                  const pause = Outcome.pauseMillis(attempt++, policy, error.retryAfterMillis, jitter)
                  return Stream.concat(Stream.drain(Stream.fromEffect(Effect.sleep(pause))), resume())
                })
              )
        )
      )
    return resume()
  }
  const followed = Stream.suspend(() => {
    const { afterVersion, checkoutSessionId } = input
    if (afterVersion !== undefined) return from(afterVersion)
    const look = Retry.repeat(policy, { repeatable: true }, () => sessions.get(caller, { checkoutSessionId }))
    return Stream.unwrap(Effect.map(look, ({ version }) => from(version)))
  })
  return Stream.interruptWhen(followed, closing)
}

const whenAborted = (signal: AbortSignal): Effect.Effect<void> =>
  Effect.async<void>((resume) => {
    const leave = (): void => resume(Effect.void)
    if (signal.aborted) return leave()
    signal.addEventListener("abort", leave, { once: true })
    return Effect.sync(() => signal.removeEventListener("abort", leave))
  })

/**
 * A stream as the Promise door gives it: errors thrown as `OnelaneError`, ended by the signal, or with `Closed` by closing,
 * which ends the stream below (`Retry.layer`).
 */
export const iterate = <A, E extends CallError>(
  behind: Checkout.Behind,
  stream: () => Stream.Stream<A, E>,
  signal: AbortSignal | undefined
): AsyncIterable<A> => ({
  [Symbol.asyncIterator]: () => {
    const source: Stream.Stream<A, CallError> = behind.closed()
      ? Stream.fail(closed)
      : Stream.mapError(Stream.suspend(stream), (error) => (behind.closed() ? closed : error))
    const followed = signal === undefined ? source : Stream.interruptWhen(source, whenAborted(signal))
    const thrown = Stream.mapError(followed, (error) => new OnelaneError(error))
    return answering(Stream.toAsyncIterableRuntime(thrown, runtimeOf(behind))[Symbol.asyncIterator]())
  }
})

const runtimeOf = ({ capture, runtime }: Checkout.Behind): Runtime.Runtime<never> =>
  capture === undefined
    ? runtime
    : Runtime.setFiberRef(runtime, FiberRef.currentScheduler, AsyncContext.schedulerOf(capture(), runtime))

/**
 * The iterator of a stream, by the rules of iterators. The library's own leaves some calls without an answer for ever: `next`
 * after the end, `next` beside another, `next` that waits when `return` is called.
 */
const answering = <A>(iterator: AsyncIterator<A>): AsyncIterator<A> => {
  const end: IteratorResult<A> = { done: true, value: undefined }
  let isOver = false
  let leave = (): void => {}
  let last: Promise<unknown> = Promise.resolve()
  const step = (): Promise<IteratorResult<A>> =>
    new Promise((resolve, reject) => {
      if (isOver) return resolve(end)
      leave = () => resolve(end)
      iterator.next().then(
        (result) => {
          isOver ||= result.done === true
          resolve(result)
        },
        (error) => {
          isOver = true
          reject(error)
        }
      )
    })
  return {
    next: () => {
      const result = last.then(step)
      last = result.catch(() => {})
      return result
    },
    return: async () => {
      isOver = true
      leave()
      await iterator.return!()
      return end
    }
  }
}
