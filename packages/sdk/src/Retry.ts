/**
 * Retry: the same service, with what is safe to repeat repeated, and with an idempotency key on every update where an
 * answer can be lost on its way (`keyed`).
 *
 * Repeated are only the answers in which no decision was given (`Overloaded`, `StorageUnavailable`), and only where a
 * second try cannot do harm: always when the first was certainly not applied; when that is unknown, for reads, for
 * `open` (get or create) and for an `update` with a key (which makes it one acceptance). A refusal is final,
 * `SessionProcessing` included: how long to wait for a task is the caller's business.
 */
import type * as CheckoutEngine from "@onelane/checkout/CheckoutCore"
import type * as CheckoutError from "@onelane/checkout/CheckoutError"
import * as CheckoutSessions from "@onelane/checkout/CheckoutSessions"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import * as Runtime from "effect/Runtime"
import * as Later from "./Later.js"
import * as Options from "./Options.js"

/** Exponential backoff with full jitter. A `retryAfterMillis` in the answer is waited out at least, up to `maxMillis`. */
export interface RetryOptions {
  /** Tries after the first one, at most 200; 0 turns repetition off. Default 8. */
  readonly limit?: number | undefined
  /** Upper end of the first pause, in milliseconds. Default 50. */
  readonly baseMillis?: number | undefined
  /** Longest pause in milliseconds. Default 2,000. */
  readonly maxMillis?: number | undefined
}

/** `RetryOptions` with the defaults in. */
export interface Policy {
  readonly limit: number
  readonly baseMillis: number
  readonly maxMillis: number
  /** Whether somebody may take the service's place while it drains (a server restarts, an engine in this process does not). */
  readonly throughDrain: boolean
}

/** The answers in which no decision was given. */
export type Undecided = CheckoutError.Overloaded | CheckoutError.StorageUnavailable

const isUndecided = (error: { readonly _tag: string }): error is Undecided =>
  error._tag === "Overloaded" || error._tag === "StorageUnavailable"

/** Whether a call that was answered so may be tried again. */
export const mayRepeat = (
  policy: Policy,
  error: { readonly _tag: string },
  evenIfUnknown: boolean
): error is Undecided =>
  isUndecided(error) &&
  error.retryable &&
  (error.applied === "no" || evenIfUnknown) &&
  (policy.throughDrain || error.reason !== "DRAINING")

/** The pause before try `attempt` (1, 2, …), in milliseconds; `jitter` is 0..1. */
export const pauseMillis = (
  attempt: number,
  policy: { readonly baseMillis: number; readonly maxMillis: number },
  retryAfterMillis: number,
  jitter: number
): number => {
  const backoff = Math.min(policy.maxMillis, policy.baseMillis * 2 ** Math.min(attempt - 1, 30))
  return Math.min(policy.maxMillis, retryAfterMillis) + Math.ceil(jitter * backoff)
}

/** Tries a call again and again, within the policy. */
export const repeat = <A, E extends { readonly _tag: string }>(
  policy: Policy,
  evenIfUnknown: boolean,
  call: () => Effect.Effect<A, E>,
  attempt = 1
): Effect.Effect<A, E> =>
  Effect.catchAll(Effect.suspend(call), (error) => again(policy, evenIfUnknown, call, error, attempt))

const again = <A, E extends { readonly _tag: string }>(
  policy: Policy,
  evenIfUnknown: boolean,
  call: () => Effect.Effect<A, E>,
  error: E,
  attempt: number
): Effect.Effect<A, E> =>
  attempt > policy.limit || !mayRepeat(policy, error, evenIfUnknown)
    ? Effect.fail(error)
    : Effect.flatMap(Random.next, (jitter) =>
        Effect.zipRight(
          Effect.sleep(pauseMillis(attempt, policy, error.retryAfterMillis, jitter)),
          repeat(policy, evenIfUnknown, call, attempt + 1)
        )
      )

const limitMax = 200

/** Longest pause that may be asked for, milliseconds: an hour. */
const pauseMax = 3_600_000

/** What `RetryOptions` may be. */
export const option = Options.nested<RetryOptions>({
  limit: Options.whole(0, limitMax),
  baseMillis: Options.whole(0, pauseMax),
  maxMillis: Options.whole(0, pauseMax)
})

const defaults = { limit: 8, baseMillis: 50, maxMillis: 2_000 }

const policyOf = (options: RetryOptions, throughDrain: boolean): Policy => ({
  limit: Math.min(options.limit ?? defaults.limit, limitMax),
  baseMillis: options.baseMillis ?? defaults.baseMillis,
  maxMillis: options.maxMillis ?? defaults.maxMillis,
  throughDrain
})

/** Keys that no two clients share: a random part per client, a counter per call. */
const makeKeys: Effect.Effect<() => string> = Effect.gen(function* () {
  const high = yield* Random.nextIntBetween(0, 2 ** 48)
  const low = yield* Random.nextIntBetween(0, 2 ** 48)
  const client = high.toString(36) + low.toString(36)
  let counter = 0
  return () => `sdk-${client}-${(counter++).toString(36)}`
})

/**
 * Wraps a service. `throughDrain`: keep trying while the service drains. `keyed`: give updates without a key one; an engine
 * in this process loses no answer, so its updates need none.
 */
export const make = (
  sessions: CheckoutSessions.CheckoutSessionsShape,
  options: RetryOptions,
  throughDrain: boolean,
  keyed = true
): Effect.Effect<CheckoutSessions.CheckoutSessionsShape> =>
  Effect.map(makeKeys, (nextKey) => {
    const policy = policyOf(options, throughDrain)
    return {
      open: (caller, input) => repeat(policy, true, () => sessions.open(caller, input)),
      update: (caller, input) =>
        Effect.suspend(() => {
          const sent = keyed && input.idempotencyKey === undefined ? { ...input, idempotencyKey: nextKey() } : input
          return repeat(policy, sent.idempotencyKey !== undefined, () => sessions.update(caller, sent))
        }),
      get: (caller, input) => repeat(policy, true, () => sessions.get(caller, input)),
      history: (caller, input) => repeat(policy, true, () => sessions.history(caller, input)),
      cancel: (caller, input) => repeat(policy, false, () => sessions.cancel(caller, input)),
      completeTask: (caller, input) => repeat(policy, false, () => sessions.completeTask(caller, input)),
      failTask: (caller, input) => repeat(policy, false, () => sessions.failTask(caller, input)),
      releaseClaim: (caller, input) => repeat(policy, false, () => sessions.releaseClaim(caller, input)),
      changes: (caller, input) => Later.loaded().following(policy, sessions, caller, input)
    }
  })

type StartUpdate = CheckoutEngine.CheckoutEngineShape["startUpdate"]
type Updating = Exit.Exit<CheckoutSessions.Updated, CheckoutError.UpdateError>

// The call was decided, or is in doubt for another reason than the two that are repeated.
const undecided = (exit: Updating): Undecided | null =>
  Exit.isFailure(exit) && exit.cause._tag === "Fail" && isUndecided(exit.cause.error) ? exit.cause.error : null

/** Wraps an engine's update without a fiber; one that is to be repeated gets its fiber then. */
export const makeStart = (
  startUpdate: StartUpdate,
  sessions: CheckoutSessions.CheckoutSessionsShape,
  options: RetryOptions,
  runtime: Runtime.Runtime<never>
): StartUpdate => {
  const policy = policyOf(options, false)
  // Its own function: a closure beside the call would cost every update its context.
  const follow = (
    caller: Parameters<StartUpdate>[0],
    input: CheckoutSessions.UpdateInput,
    started: ReturnType<StartUpdate>
  ) => {
    const conclude = (exit: Updating, onExit: (exit: Updating) => void): void => {
      const error = undecided(exit)
      if (error === null) return onExit(exit)
      const call = () => sessions.update(caller, input)
      const repeating = again(policy, input.idempotencyKey !== undefined, call, error, 1)
      Runtime.runCallback(runtime)(repeating, { onExit })
    }
    return "listen" in started
      ? {
          listen: (onExit: (exit: Updating) => void) => started.listen((exit) => conclude(exit, onExit)),
          withdraw: started.withdraw
        }
      : { listen: (onExit: (exit: Updating) => void) => conclude(started, onExit), withdraw: () => false }
  }
  return (caller, input) => {
    const started = startUpdate(caller, input)
    return "listen" in started || undecided(started) !== null ? follow(caller, input, started) : started
  }
}

/** The service in force, wrapped. */
export const layer = (
  options: RetryOptions,
  throughDrain: boolean,
  keyed = true
): Layer.Layer<CheckoutSessions.CheckoutSessions, never, CheckoutSessions.CheckoutSessions> =>
  Layer.effect(
    CheckoutSessions.CheckoutSessions,
    Effect.flatMap(CheckoutSessions.CheckoutSessions, (sessions) => make(sessions, options, throughDrain, keyed))
  )
