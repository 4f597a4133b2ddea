/**
 * Waits: calls that wait for a server, through lost answers and its restarts, until the session has arrived or the time is over.
 *
 * A call whose answer is lost is sent again under its key and waits for the rest of the time. Once it is accepted, nothing makes an
 * error of it: a service that stops waiting early is asked again, and one that gives no answer leaves the session as it was accepted.
 */
import * as Arrival from "@onelane/checkout/Arrival"
import type * as Caller from "@onelane/checkout/Caller"
import type * as CheckoutError from "@onelane/checkout/CheckoutError"
import type * as CheckoutSession from "@onelane/checkout/CheckoutSession"
import type * as CheckoutSessions from "@onelane/checkout/CheckoutSessions"
import * as Backoff from "@onelane/engine/Backoff"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import type * as Outcome from "./Outcome.js"
import * as Repetition from "./Repetition.js"

/** What waits work with. */
export interface Waits {
  readonly policy: Outcome.Policy
  readonly get: CheckoutSessions.SessionCalls["get"]
  /** Fails when the service is closed: waits then end with what is accepted. */
  readonly closing: Effect.Effect<never, CheckoutError.Overloaded>
}

/** An answer of a call that may wait. */
export interface Answer extends CheckoutSessions.Arrived {
  readonly session: CheckoutSession.CheckoutSession
}

/** A call that may wait. */
export type Method<I, A, E> = (caller: Caller.Caller, input: I, wait?: CheckoutSessions.Wait) => Effect.Effect<A, E>

type Failed = CheckoutError.CheckoutError

/** Sends a call and waits. `send` gets what is left of the wait; undefined: do not wait any more. */
export const call = <A extends Answer, E extends Failed>(
  waits: Waits,
  about: Outcome.Call,
  caller: Caller.Caller,
  send: (wait: CheckoutSessions.Wait | undefined) => Effect.Effect<A, E>,
  wait: CheckoutSessions.Wait
): Effect.Effect<A, E | CheckoutError.StorageUnavailable> =>
  Effect.flatMap(Clock.currentTimeMillis, (beganAt) => {
    const { closing, policy } = waits
    if (Arrival.check(wait) !== null) return send(wait)
    const left = leftOf(wait, beganAt)
    const accepted = Repetition.repeat(policy, about, () => Effect.flatMap(left, send))
    const settled = Effect.flatMap(accepted, (answer) => settle(waits, caller, answer, left))
    return untilClosed(
      closing,
      settled,
      Effect.map(
        Repetition.repeat(policy, about, () => send(undefined)),
        asItIs
      )
    )
  })

/** Reads a session once it has arrived. */
export const get = (
  waits: Waits,
  caller: Caller.Caller,
  input: CheckoutSessions.SessionInput,
  wait: CheckoutSessions.WaitAfter
): Effect.Effect<CheckoutSession.CheckoutSession, CheckoutError.AccessError> =>
  Effect.flatMap(Clock.currentTimeMillis, (beganAt) => {
    if (Arrival.checkAfter(wait) !== null) return waits.get(caller, input, wait)
    const left = leftOf(wait, beganAt)
    const read = (wait: CheckoutSessions.WaitAfter | undefined) => waits.get(caller, input, wait)
    const once = Repetition.repeat(waits.policy, Repetition.read, () => Effect.flatMap(left, read))
    const now = Repetition.repeat(waits.policy, Repetition.read, () => read(undefined))
    const isThere = ({ isProcessing, version }: CheckoutSession.CheckoutSession) =>
      !isProcessing && (wait.afterVersion === undefined || version > wait.afterVersion)
    return untilClosed(waits.closing, again(waits, once, isThere, left), now)
  })

const asItIs = <A extends Answer>(answer: A): A => ({ ...answer, arrived: !answer.session.isProcessing })

/** What is left of a wait; undefined when its time is over. */
type Left<W> = Effect.Effect<W | undefined>

const leftOf = <W extends CheckoutSessions.Wait>(wait: W, beganAt: number): Left<W> =>
  Effect.map(Clock.currentTimeMillis, (now) =>
    now - beganAt >= Arrival.millisOf(wait) ? undefined : Arrival.rest(wait, now - beganAt)
  )

const untilClosed = <A, E>(
  closing: Waits["closing"],
  waiting: Effect.Effect<A, E>,
  atOnce: Effect.Effect<A, E>
): Effect.Effect<A, E> =>
  Effect.flatten(
    Effect.raceFirst(
      Effect.map(Effect.exit(waiting), (exit): Effect.Effect<A, E> => exit),
      Effect.as(Effect.ignore(closing), atOnce)
    )
  )

// The service stopped waiting early: it restarts, or too many wait there. Whatever it says next, the call is accepted.
const settle = <A extends Answer>(
  waits: Waits,
  caller: Caller.Caller,
  accepted: A,
  left: Left<CheckoutSessions.Wait>
): Effect.Effect<A> => {
  const { id: checkoutSessionId, isProcessing, version: afterVersion } = accepted.session
  if (accepted.arrived === true || !isProcessing) return Effect.succeed(asItIs(accepted))
  const look = Effect.flatMap(left, (wait) =>
    waits.get(caller, { checkoutSessionId }, wait && { ...wait, afterVersion })
  )
  const looks = Repetition.repeat(waits.policy, Repetition.read, () => look)
  const isThere = (session: CheckoutSession.CheckoutSession) => !session.isProcessing && session.version > afterVersion
  const goOn = Effect.zipRight(pause(waits.policy, 1, left), again(waits, looks, isThere, left))
  return Effect.flatMap(left, (rest) =>
    rest === undefined ? Effect.succeed(asItIs(accepted)) : Arrival.after(accepted, () => goOn)
  )
}

/** Looks until it is there, or the time is over; pauses, because a look may be answered at once. */
const again = <E>(
  waits: Waits,
  look: Effect.Effect<CheckoutSession.CheckoutSession, E>,
  isThere: (session: CheckoutSession.CheckoutSession) => boolean,
  left: Left<CheckoutSessions.Wait>,
  looks = 1
): Effect.Effect<CheckoutSession.CheckoutSession, E> =>
  Effect.flatMap(look, (session) =>
    Effect.flatMap(left, (rest) =>
      isThere(session) || rest === undefined
        ? Effect.succeed(session)
        : Effect.zipRight(pause(waits.policy, looks, left), again(waits, look, isThere, left, looks + 1))
    )
  )

const pause = (policy: Outcome.Policy, attempt: number, left: Left<CheckoutSessions.Wait>): Effect.Effect<void> =>
  Effect.flatMap(Random.next, (jitter) =>
    Effect.flatMap(left, (rest) =>
      Effect.sleep(Math.min(rest?.waitMillis ?? 0, Backoff.pauseMillis(policy, attempt, jitter, 0)))
    )
  )
