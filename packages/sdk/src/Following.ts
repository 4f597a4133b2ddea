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
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Stream from "effect/Stream"
import * as Checkout from "./Checkout.js"
import * as Outcome from "./Outcome.js"
import { type CallError, OnelaneError } from "./Result.js"
import * as Retry from "./Retry.js"

export { watch }

/** Takes a broken stream up again after the last version seen; `limit` counts breaks without an entry in between. */
export const following = (
  policy: Outcome.Policy,
  sessions: CheckoutSessions.CheckoutSessionsShape,
  caller: Caller.Caller,
  input: CheckoutSessions.ChangesInput
): Stream.Stream<CheckoutSession.HistoryEntry, CheckoutError.AccessError> => {
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
  return Stream.suspend(() =>
    input.afterVersion !== undefined
      ? from(input.afterVersion)
      : Stream.unwrap(
          Effect.map(
            Retry.repeat(policy, { repeatable: true }, () =>
              sessions.get(caller, { checkoutSessionId: input.checkoutSessionId })
            ),
            (session) => from(session.version)
          )
        )
  )
}

const whenAborted = (signal: AbortSignal): Effect.Effect<void> =>
  Effect.async<void>((resume) => {
    const leave = (): void => resume(Effect.void)
    if (signal.aborted) return leave()
    signal.addEventListener("abort", leave, { once: true })
    return Effect.sync(() => signal.removeEventListener("abort", leave))
  })

/** A stream as the Promise door gives it: errors thrown as `OnelaneError`, ended by the signal or by closing. */
export const iterate = <A, E extends CallError>(
  behind: Checkout.Behind,
  stream: () => Stream.Stream<A, E>,
  signal: AbortSignal | undefined
): AsyncIterable<A> => ({
  [Symbol.asyncIterator]: () => {
    const source: Stream.Stream<A, CallError> = behind.closed()
      ? Stream.fail(Checkout.draining)
      : Stream.suspend(stream)
    const followed = signal === undefined ? source : Stream.interruptWhen(source, whenAborted(signal))
    const thrown = Stream.mapError(followed, (error) => new OnelaneError(error))
    return answering(Stream.toAsyncIterableRuntime(thrown, behind.runtime)[Symbol.asyncIterator]())
  }
})

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
