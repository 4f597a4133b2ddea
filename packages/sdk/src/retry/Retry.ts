/**
 * Retry: the same service, which retries what is safe to retry and adds an idempotency key to every writing call whose answer can
 * be lost (`keyed`).
 *
 * It retries only answers without a decision (`Overloaded`, `StorageUnavailable`), and only where a second attempt does no harm:
 * always when the first was certainly not applied; when that is unknown, only reads, `open` (get or create) and calls with a key.
 * A refusal is final, `SessionProcessing` included: the caller decides how long to wait for a task. `Outcome` decides what the
 * caller gets in the end.
 */

import type * as Caller from "@onelane/checkout/Caller"
import * as CallValues from "@onelane/checkout/CallValues"
import type * as CheckoutError from "@onelane/checkout/CheckoutError"
import type * as CheckoutSessions from "@onelane/checkout/CheckoutSessions"
import type * as Starts from "@onelane/checkout/Starts"
import { type Answer, AsyncContext } from "@onelane/engine"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Random from "effect/Random"
import * as Runtime from "effect/Runtime"
import type * as Scope from "effect/Scope"
import type { Behind } from "../door/Behind.js"
import * as Options from "../open/Options.js"
import * as Closing from "./Closing.js"
import * as Outcome from "./Outcome.js"
import * as Repetition from "./Repetition.js"
import * as Subscription from "./Subscription.js"
import * as Waits from "./Waits.js"

/** Exponential backoff with full jitter. Waits at least the answer's `retryAfterMillis`, up to `maxMillis`. */
export interface RetryOptions {
  /** Retries after the first attempt, at most 200; 0 turns retries off. Default 8. */
  readonly limit?: number | undefined
  /** Upper bound of the first pause, in milliseconds. Default 50. */
  readonly baseMillis?: number | undefined
  /** Longest pause in milliseconds. Default 2,000. */
  readonly maxMillis?: number | undefined
}

const limitMax = 200

/** Longest pause that an option may set, milliseconds: an hour. */
const pauseMax = 3_600_000

/** Validates `RetryOptions`. */
export const option = Options.nested<RetryOptions>({
  limit: Options.whole(0, limitMax),
  baseMillis: Options.whole(0, pauseMax),
  maxMillis: Options.whole(0, pauseMax)
})

const defaults = { limit: 8, baseMillis: 50, maxMillis: 2_000 }

const policyOf = (options: RetryOptions, restarts: boolean): Outcome.Policy => ({
  limit: Math.min(options.limit ?? defaults.limit, limitMax),
  baseMillis: options.baseMillis ?? defaults.baseMillis,
  maxMillis: options.maxMillis ?? defaults.maxMillis,
  restarts
})

/** Keys that no two clients share: a random part per client, a counter per call. */
const makeKeys: Effect.Effect<() => string> = Effect.gen(function* () {
  const high = yield* Random.nextIntBetween(0, 2 ** 48)
  const low = yield* Random.nextIntBetween(0, 2 ** 48)
  const client = high.toString(36) + low.toString(36)
  let counter = 0
  return () => `sdk-${client}-${(counter++).toString(36)}`
})

/** An input of a writing call. */
interface Keyable {
  readonly idempotencyKey?: string | undefined
  readonly expectedVersion?: number | undefined
}

/**
 * The facts about a writing call that decide whether it may be sent again. Without a key it is retried only when it was
 * certainly not applied; `open` may always be retried, because it gets or creates the one session of a cart.
 */
const writing = (input: Keyable, opens = false): Outcome.Call => ({
  repeatable: opens || input.idempotencyKey !== undefined,
  idempotencyKey: input.idempotencyKey,
  expectedVersion: input.expectedVersion
})

// The service refuses an input that is not an object.
const withKey = <I extends Keyable>(input: I, nextKey: () => string): I =>
  typeof input !== "object" || input === null || (input.idempotencyKey ?? null) !== null
    ? input
    : { ...input, idempotencyKey: nextKey() }

/**
 * Wraps a service. `restarts`: retry while the service drains or its store is fenced. `keyed`: add a key to writing calls without
 * one; an engine in this process loses no answer, so its calls need none. `closing`: the end of the service.
 */
export const make = (
  calls: CheckoutSessions.SessionCalls,
  options: RetryOptions,
  restarts: boolean,
  keyed = true,
  closing: Closing.Closing = Closing.never
): Effect.Effect<CheckoutSessions.SessionCalls> =>
  Effect.map(makeKeys, (nextKey) => {
    const policy = policyOf(options, restarts)
    const waits: Waits.Waits = { policy, get: calls.get, closing: Closing.until(closing) }
    const write =
      <I extends Keyable, A, E extends CheckoutError.CheckoutError>(
        method: (caller: Caller.Caller, input: I) => Effect.Effect<A, E>
      ) =>
      (caller: Caller.Caller, input: I) =>
        Effect.suspend(() => {
          const sent = keyed ? withKey(input, nextKey) : input
          return Repetition.repeat(policy, writing(Object(sent)), () => method(caller, sent))
        })
    const start =
      <I extends Keyable, A extends Waits.Answer, E extends CheckoutError.CheckoutError>(
        method: Waits.Method<I, A, E>,
        opens = false
      ) =>
      (caller: Caller.Caller, input: I, wait?: CheckoutSessions.Wait) =>
        Effect.suspend(() => {
          const sent = keyed ? withKey(input, nextKey) : input
          const call = writing(Object(sent), opens)
          // An engine in this process waits by itself.
          return wait === undefined || !restarts
            ? Repetition.repeat(policy, call, () => method(caller, sent, wait))
            : Waits.call(waits, call, caller, (wait) => method(caller, sent, wait), wait)
        })
    return CallValues.make({
      open: start(calls.open, true),
      update: start(calls.update),
      get: (caller, input, wait) =>
        wait === undefined || !restarts
          ? Repetition.repeat(policy, Repetition.read, () => calls.get(caller, input, wait))
          : Waits.get(waits, caller, input, wait),
      find: (caller, input) => Repetition.repeat(policy, Repetition.read, () => calls.find(caller, input)),
      history: (caller, input) => Repetition.repeat(policy, Repetition.read, () => calls.history(caller, input)),
      cancel: write(calls.cancel),
      completeTask: start(calls.completeTask),
      failTask: write(calls.failTask),
      releaseClaim: write(calls.releaseClaim),
      move: write(calls.move),
      sessions: (caller, input) => Repetition.repeat(policy, Repetition.read, () => calls.sessions(caller, input)),
      claims: (caller, input) => Repetition.repeat(policy, Repetition.read, () => calls.claims(caller, input)),
      follow: (caller, input) => Subscription.follow({ policy, calls, closing }, caller, input)
    })
  })

type Start<I, W, A, E> = (caller: Caller.Caller, input: I, wait?: W) => Answer.Answer<A, E>

// Null when the call was decided, or died.
const undecided = <A, E extends CheckoutError.CheckoutError>(exit: Exit.Exit<A, E>): E | null =>
  Exit.isFailure(exit) && exit.cause._tag === "Fail" && Outcome.isUndecided(exit.cause.error) ? exit.cause.error : null

/** Wraps the calls of an engine in this process that begin without a fiber; only a retry needs one. */
export const makeStarts = (
  { calls, ...starts }: Starts.Starts & { readonly calls: CheckoutSessions.SessionCalls },
  options: RetryOptions,
  behind: Pick<Behind, "capture" | "runtime">
): Starts.Starts => {
  const policy = policyOf(options, false)
  const reads = (): Outcome.Call => Repetition.read
  return {
    startOpen: startingOver(starts.startOpen, calls.open, policy, behind, (input) => writing(input, true)),
    startUpdate: startingOver(starts.startUpdate, calls.update, policy, behind, writing),
    startCompleteTask: startingOver(starts.startCompleteTask, calls.completeTask, policy, behind, writing),
    startGet: startingOver(starts.startGet, calls.get, policy, behind, reads)
  }
}

// `call`: the same call as an effect.
const startingOver = <I, W, A, E extends CheckoutError.CheckoutError>(
  start: Start<I, W, A, E>,
  call: (caller: Caller.Caller, input: I, wait?: W) => Effect.Effect<A, E>,
  policy: Outcome.Policy,
  { capture, runtime }: Pick<Behind, "capture" | "runtime">,
  factsOf: (input: I) => Outcome.Call
): Start<I, W, A, E | CheckoutError.StorageUnavailable> => {
  type Exited = Exit.Exit<A, E | CheckoutError.StorageUnavailable>
  // A function of its own: a closure inside the call would make every one allocate a context.
  const follow = (caller: Caller.Caller, input: I, wait: W | undefined, started: Answer.Answer<A, E>) => {
    const run = capture?.()
    const conclude = (exit: Exit.Exit<A, E>, onExit: (exit: Exited) => void): void => {
      const error = undecided(exit)
      if (error === null) return onExit(exit)
      const repeating = Repetition.goOn(policy, factsOf(input), () => call(caller, input, wait), [error])
      Runtime.runCallback(runtime)(repeating, { onExit, ...AsyncContext.optionsOf(run, runtime) })
    }
    return "listen" in started
      ? {
          listen: (onExit: (exit: Exited) => void) => started.listen((exit) => conclude(exit, onExit)),
          withdraw: started.withdraw,
          isBegun: started.isBegun
        }
      : {
          listen: (onExit: (exit: Exited) => void) => conclude(started, onExit),
          withdraw: () => false,
          isBegun: true
        }
  }
  return (caller, input, wait) => {
    const started = start(caller, input, wait)
    return "listen" in started || undecided(started) !== null ? follow(caller, input, wait, started) : started
  }
}

/** The same calls; those that write get a key where they have none: a retry finds out what became of a lost answer. */
export const keyed = (starts: Starts.Starts): Starts.Starts => {
  const nextKey = Effect.runSync(makeKeys)
  const keying =
    <I extends Keyable, W, A, E>(start: Start<I, W, A, E>): Start<I, W, A, E> =>
    (caller, input, wait) =>
      start(caller, withKey(input, nextKey), wait)
  return {
    startOpen: keying(starts.startOpen),
    startUpdate: keying(starts.startUpdate),
    startCompleteTask: keying(starts.startCompleteTask),
    startGet: starts.startGet
  }
}

/** The same as `make`; when the scope closes, subscriptions fail with `draining`. */
export const makeScoped = (
  calls: CheckoutSessions.SessionCalls,
  options: RetryOptions,
  restarts: boolean,
  keyed = true
): Effect.Effect<CheckoutSessions.SessionCalls, never, Scope.Scope> =>
  Effect.flatMap(Closing.make, (closing) => make(calls, options, restarts, keyed, closing))
