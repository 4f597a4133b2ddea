/**
 * Subscription: follows a session and resumes when the connection or the service breaks.
 */
import type * as Caller from "@onelane/checkout/Caller"
import type * as CheckoutError from "@onelane/checkout/CheckoutError"
import type * as CheckoutSessions from "@onelane/checkout/CheckoutSessions"
import type * as Subscription from "@onelane/checkout/Subscription"
import * as Backoff from "@onelane/engine/Backoff"
import * as Effect from "effect/Effect"
import * as ExecutionStrategy from "effect/ExecutionStrategy"
import * as Exit from "effect/Exit"
import * as Random from "effect/Random"
import * as Scope from "effect/Scope"
import * as Outcome from "./Outcome.js"
import * as Repetition from "./Repetition.js"

/** The service to follow sessions with, and the retry policy. */
export interface Following {
  readonly policy: Outcome.Policy
  readonly calls: CheckoutSessions.SessionCalls
  /** Fails when the service is closed. */
  readonly closing: Effect.Effect<never, CheckoutError.Overloaded>
}

/**
 * Follows a session while the scope is open. After a break it resumes after the last version given; `policy.limit` counts breaks
 * without a page in between. When the service is closed, it fails as `closing` does.
 */
export const follow = (
  following: Following,
  caller: Caller.Caller,
  input: CheckoutSessions.ChangesInput
): Subscription.Follow =>
  Effect.gen(function* () {
    const { calls, closing, policy } = following
    const { afterVersion, checkoutSessionId } = input
    const look = Repetition.repeat(policy, Repetition.read, () => calls.get(caller, { checkoutSessionId }))
    const from = afterVersion ?? (yield* Effect.raceFirst(closing, look)).version
    const resumed = resume(following, caller, input, from, yield* Effect.scope)
    return { next: Effect.raceFirst(closing, resumed.next), check: Effect.raceFirst(closing, resumed.check) }
  })

const resume = (
  { calls, policy }: Following,
  caller: Caller.Caller,
  input: CheckoutSessions.ChangesInput,
  afterVersion: number,
  scope: Scope.Scope
): Subscription.Subscription => {
  let seen = afterVersion
  let attempt = 1
  let open: Subscription.Subscription | null = null
  let own: Scope.CloseableScope | null = null
  const begin = Effect.flatMap(Scope.fork(scope, ExecutionStrategy.sequential), (made) => {
    own = made
    return Effect.tap(Scope.extend(calls.follow(caller, { ...input, afterVersion: seen }), made), (followed) =>
      Effect.sync(() => void (open = followed))
    )
  })
  const leave = Effect.suspend(() => {
    const left = own
    open = own = null
    return left === null ? Effect.void : Scope.close(left, Exit.void)
  })
  const next: Subscription.Subscription["next"] = Effect.suspend(() =>
    Effect.flatMap(open === null ? begin : Effect.succeed(open), (followed) => followed.next)
  ).pipe(
    Effect.tap((page) =>
      Effect.sync(() => {
        if (page !== null) seen = page[page.length - 1]!.version
        attempt = 1
      })
    ),
    Effect.catchAll((error) => {
      const isFinal = attempt > policy.limit || !Outcome.mayRepeat(policy, true, error)
      if (isFinal) return Effect.zipRight(leave, Effect.fail(error))
      const { retryAfterMillis } = error
      const pause = Effect.flatMap(Random.next, (jitter) =>
        Effect.sleep(Backoff.pauseMillis(policy, attempt++, jitter, retryAfterMillis))
      )
      return Effect.zipRight(Effect.zipRight(leave, pause), next)
    })
  )
  const check = Repetition.repeat(policy, Repetition.read, () => (open === null ? Effect.void : open.check))
  return { next, check }
}
