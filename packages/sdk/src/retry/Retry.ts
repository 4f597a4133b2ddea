/**
 * Retry: the same service, which retries what is safe to retry and adds an idempotency key to every writing call whose
 * answer can be lost (`keyed`).
 *
 * It retries only answers without a decision (`Overloaded`, `StorageUnavailable`), and only where a second attempt does
 * no harm: always when the first was certainly not applied; when that is unknown, only reads, `open` (get or create)
 * and calls with a key. A refusal is final, `SessionProcessing` included: the caller decides how long to wait for a
 * task. `Outcome` decides what the caller gets in the end.
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
import * as Closing from "./Closing.js"
import * as Outcome from "./Outcome.js"
import * as Repetition from "./Repetition.js"
import { limitMax, type RetryOptions, withDefaults } from "./RetryOptions.js"
import * as Subscription from "./Subscription.js"

const policyOf = (options: RetryOptions, restarts: boolean): Outcome.Policy => {
  const policy = withDefaults(options)
  return { ...policy, limit: Math.min(policy.limit, limitMax), restarts }
}

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
 * Wraps a service of this process. `restarts`: retry while the service drains or its store is fenced, because it comes
 * back. `keyed`: add a key to writing calls without one; a single engine loses no answer, so its calls need none.
 * `closing`: the end of the service.
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
    const write =
      <I extends Keyable, W, A, E extends CheckoutError.CheckoutError>(
        method: (caller: Caller.Caller, input: I, wait?: W) => Effect.Effect<A, E>,
        opens = false
      ) =>
      (caller: Caller.Caller, input: I, wait?: W) =>
        Effect.suspend(() => {
          const sent = keyed ? withKey(input, nextKey) : input
          return Repetition.repeat(policy, writing(Object(sent), opens), () => method(caller, sent, wait))
        })
    const read =
      <I, W, A, E extends CheckoutError.CheckoutError>(
        method: (caller: Caller.Caller, input: I, wait?: W) => Effect.Effect<A, E>
      ) =>
      (caller: Caller.Caller, input: I, wait?: W) =>
        Repetition.repeat(policy, Repetition.read, () => method(caller, input, wait))
    return CallValues.make({
      open: write(calls.open, true),
      update: write(calls.update),
      get: read(calls.get),
      find: read(calls.find),
      history: read(calls.history),
      cancel: write(calls.cancel),
      completeTask: write(calls.completeTask),
      failTask: write(calls.failTask),
      releaseClaim: write(calls.releaseClaim),
      move: write(calls.move),
      sessions: read(calls.sessions),
      claims: read(calls.claims),
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
  // A separate function: a closure inside the call would make every call allocate a context.
  const follow = (caller: Caller.Caller, input: I, wait: W | undefined, started: Answer.Answer<A, E>) => {
    const run = capture?.()
    const isDecided = !("listen" in started)
    return {
      listen: (onExit: (exit: Exited) => void) => {
        const conclude = (exit: Exit.Exit<A, E>): void => {
          const error = undecided(exit)
          if (error === null) return onExit(exit)
          const repeating = Repetition.goOn(policy, factsOf(input), () => call(caller, input, wait), [error])
          Runtime.runCallback(runtime)(repeating, { onExit, ...AsyncContext.optionsOf(run, runtime) })
        }
        if (isDecided) conclude(started)
        else started.listen(conclude)
      },
      withdraw: isDecided ? () => false : started.withdraw,
      isBegun: isDecided || started.isBegun
    }
  }
  return (caller, input, wait) => {
    const started = start(caller, input, wait)
    return "listen" in started || undecided(started) !== null ? follow(caller, input, wait, started) : started
  }
}

/** The same calls; writing calls without a key get one, so that a retry can find out the outcome of a lost answer. */
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
