/**
 * Arrival: waits until a session has no running work. A waiting call is one callback on the commits of its session: no
 * fiber, and no read per commit. The right to read is checked when a session is returned, not during the wait.
 *
 * Owns when a session has arrived, and the answer if it has not. Does not own calls that start work.
 */
import { type ActorSystem, type Answer, type AsyncContext, EffectRunner, type Timer } from "@onelane/engine"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberId from "effect/FiberId"
import * as Input from "../commands/Input.js"
import type { AccessError, InvalidInput } from "../errors/CheckoutError.js"
import type { Caller } from "../ports/Caller.js"
import { type CheckoutSession, copyOf } from "../session/CheckoutSession.js"
import type { SessionEvent } from "../session/SessionEvent.js"
import { evolve, initial, type SessionState } from "../session/SessionState.js"
import type { Sessions } from "../work/Sessions.js"
import type * as S from "./CheckoutSessions.js"

/** Longest wait, milliseconds. */
export const longestMillis = 60_000

/** Default wait of a call, milliseconds. */
export const defaultMillis = 10_000

const fields = {
  wait: { ...Input.optionalOneOf(["screen"]), required: true },
  waitMillis: Input.optionalWhole(1, longestMillis)
}
const fieldsAfter = { ...fields, afterVersion: Input.optionalWhole(0, Number.MAX_SAFE_INTEGER) }

/** Copies the wait options of a call. */
export const take = <W extends S.Wait>(wait: W | undefined): W | undefined =>
  wait === undefined ? undefined : Input.take(wait, fieldsAfter)

/** Step 2 for a call that starts work: null, or the first fault. */
export const check = (wait: S.Wait): InvalidInput | null => Input.accept(given(wait), fields)

/** Step 2 for a `get`. */
export const checkAfter = (wait: S.WaitAfter): InvalidInput | null => Input.accept(given(wait), fieldsAfter)

// A copy has all names, so names without a value are dropped.
const given = (wait: S.WaitAfter): object =>
  typeof wait !== "object" || wait === null
    ? wait
    : Object.fromEntries(Object.entries(wait).filter(([name, value]) => value !== undefined || !(name in fieldsAfter)))

/** How long to wait, milliseconds. */
export const millisOf = ({ waitMillis }: S.Wait): number => waitMillis ?? defaultMillis

/** The same wait with the time that is left after `spentMillis`; at least 1 ms. */
export const rest = <W extends S.Wait>(wait: W, spentMillis: number): W => ({
  ...wait,
  waitMillis: Math.max(1, Math.min(longestMillis, Math.ceil(millisOf(wait) - spentMillis)))
})

/** The part of an answer that a wait replaces. */
interface Accepted {
  readonly session: CheckoutSession
}

/**
 * Answers an accepted call once its session has arrived. `look` waits for an arrival after a version. If it fails, the
 * call is still answered as accepted, with `arrived: false`.
 */
export const after = <A extends Accepted>(
  accepted: A,
  look: (afterVersion: number) => Effect.Effect<CheckoutSession, unknown>
): Effect.Effect<A & S.Arrived> =>
  accepted.session.isProcessing
    ? Effect.suspend(() => look(accepted.session.version)).pipe(
        Effect.exit,
        Effect.flatMap((looked) => answerOf(accepted, looked))
      )
    : Effect.succeed({ ...accepted, arrived: true })

const answerOf = <A extends Accepted>(
  accepted: A,
  looked: Exit.Exit<CheckoutSession, unknown>
): Exit.Exit<A & S.Arrived> => {
  if (Exit.isSuccess(looked))
    return Exit.succeed({ ...accepted, session: looked.value, arrived: !looked.value.isProcessing })
  return Cause.isInterruptedOnly(looked.cause)
    ? Exit.interrupt(FiberId.none)
    : Exit.succeed({ ...accepted, arrived: false })
}

/** `after` without a fiber. */
export const afterNow = <A extends Accepted, E>(
  accepted: Answer.Answer<A, E>,
  begin: (accepted: A, onExit: OnArrival) => void
): Answer.Answer<A & S.Arrived, E> => {
  if (!("listen" in accepted)) {
    if (Exit.isFailure(accepted)) return accepted
    if (!accepted.value.session.isProcessing) return Exit.succeed({ ...accepted.value, arrived: true })
  }
  const goOn = (exit: Exit.Exit<A, E>, onExit: (exit: Exit.Exit<A & S.Arrived, E>) => void): void => {
    if (Exit.isFailure(exit)) onExit(exit)
    else if (!exit.value.session.isProcessing) onExit(Exit.succeed({ ...exit.value, arrived: true }))
    else begin(exit.value, (looked) => onExit(answerOf(exit.value, looked)))
  }
  return "listen" in accepted
    ? {
        listen: (onExit) => accepted.listen((exit) => goOn(exit, onExit)),
        withdraw: accepted.withdraw,
        isBegun: accepted.isBegun
      }
    : { listen: (onExit) => goOn(accepted, onExit), withdraw: () => false, isBegun: true }
}

/** Calls that may wait. */
type Calls = Pick<S.SessionCalls, "open" | "update" | "completeTask">

/**
 * The same calls with a separate wait: they are accepted first, then `get` waits for their session. A malformed wait is
 * passed to the call, which refuses it.
 */
export const apart = ({ completeTask, open, update }: Calls, get: S.SessionCalls["get"]): Calls => ({
  open: waiting(open, get),
  update: waiting(update, get),
  completeTask: waiting(completeTask, get)
})

const waiting =
  <I, A extends Accepted, E>(
    call: (caller: Caller, input: I, wait?: S.Wait) => Effect.Effect<A, E>,
    get: S.SessionCalls["get"]
  ) =>
  (caller: Caller, input: I, wait?: S.Wait): Effect.Effect<A & S.Arrived, E> => {
    if (wait === undefined) return call(caller, input)
    if (check(wait) !== null) return call(caller, input, wait)
    return Effect.flatMap(call(caller, input), (accepted) =>
      after(accepted, (afterVersion) =>
        get(caller, { checkoutSessionId: accepted.session.id }, { ...wait, afterVersion })
      )
    )
  }

/** Called once with the session: when it has arrived, or as it is when the time is over. */
export type OnArrival = (exit: Exit.Exit<CheckoutSession, AccessError>) => void

/** What a wait needs. */
export interface Place {
  readonly sessions: Sessions
  /** Reads the session, checking the right to it. */
  readonly read: () => Effect.Effect<CheckoutSession, AccessError>
  readonly run: EffectRunner.RunEffect
  readonly timer: Timer.Start
  /** Calls back on a later stack. */
  readonly defer: (task: () => void) => void
  /** The async context of the call, in which the ports run. */
  readonly context: AsyncContext.Run | undefined
}

/** One waiting call. */
interface Waiter extends Place {
  readonly waitMillis: number
  readonly onExit: OnArrival
  /** The version it waits after; null: any version. */
  afterVersion: number | null
  /** The version up to which the history was searched. */
  lookedTo: number
  /** The first state without running work, as it was committed here. */
  arrived: CheckoutSession | null
  /** The wait is over: the next read is the answer. */
  isOver: boolean
  /** It has answered, or was stopped. */
  isEnded: boolean
  isLooking: boolean
  isWoken: boolean
  leave: (() => void) | null
  stop: (() => void) | null
}

/** Waits for a session without a fiber. The returned function stops the wait; `onExit` is not called then. */
export const begin = (
  place: Place,
  { checkoutSessionId }: S.SessionInput,
  wait: S.WaitAfter,
  onExit: OnArrival
): (() => void) => {
  const waiter: Waiter = {
    ...place,
    onExit,
    waitMillis: millisOf(wait),
    afterVersion: wait.afterVersion ?? null,
    lookedTo: 0,
    arrived: null,
    isOver: false,
    isEnded: false,
    isLooking: false,
    isWoken: false,
    leave: null,
    stop: null
  }
  // Subscribes before it reads, so a commit in between is not missed.
  waiter.leave = place.sessions.attend(checkoutSessionId, (signal) => hear(waiter, signal))
  waiter.isOver = waiter.leave === null
  look(waiter)
  return () => end(waiter)
}

const end = (waiter: Waiter): void => {
  waiter.isEnded = true
  waiter.leave?.()
  waiter.stop?.()
}

const answer = (waiter: Waiter, exit: Exit.Exit<CheckoutSession, AccessError>): void => {
  end(waiter)
  waiter.onExit(exit)
}

const hear = (waiter: Waiter, signal: ActorSystem.Signal<SessionState>): void => {
  if (signal._tag !== "Committed") {
    if (signal._tag !== "Look") waiter.isOver = true
    return wake(waiter)
  }
  const { session } = signal.state
  if (session === null || waiter.arrived !== null || !hasArrived(session, waiter.afterVersion)) return
  waiter.arrived = session
  wake(waiter)
}

// Signals arrive on the stack of a commit, where no turn may begin, so the read is deferred.
const wake = (waiter: Waiter): void => {
  if (waiter.isWoken) return
  waiter.isWoken = true
  if (!waiter.isLooking) waiter.defer(() => look(waiter))
}

const hasArrived = ({ isProcessing, version }: CheckoutSession, afterVersion: number | null): boolean =>
  !isProcessing && (afterVersion === null || version > afterVersion)

const look = (waiter: Waiter): void => {
  if (waiter.isEnded) return
  const { context, read, run } = waiter
  waiter.isWoken = false
  waiter.isLooking = true
  const reading = EffectRunner.attempt(context === undefined ? read : () => context(read))
  run(
    reading,
    (exit) => {
      if (waiter.isEnded) return
      if (Exit.isFailure(exit)) return answer(waiter, exit)
      const session = exit.value
      run(arrivedBy(waiter, session), (found) => concluded(waiter, session, Exit.isSuccess(found) ? found.value : null))
    },
    context
  )
}

const concluded = (waiter: Waiter, session: CheckoutSession, arrived: CheckoutSession | null): void => {
  if (waiter.isEnded) return
  if (arrived !== null || waiter.isOver) return answer(waiter, Exit.succeed(arrived ?? session))
  waiter.afterVersion ??= session.version
  waiter.stop ??= waiter.timer(waiter.waitMillis, () => {
    waiter.isOver = true
    wake(waiter)
  })
  waiter.isLooking = false
  if (waiter.isWoken) waiter.defer(() => look(waiter))
}

/** Waits for a session as an effect. */
export const get = (
  place: Omit<Place, "run">,
  input: S.SessionInput,
  wait: S.WaitAfter
): Effect.Effect<CheckoutSession, AccessError> =>
  Effect.flatMap(Effect.runtime<never>(), (runtime) =>
    Effect.async((resume) => {
      const stop = begin({ ...place, run: EffectRunner.runWith(runtime) }, input, wait, resume)
      return Effect.sync(stop)
    })
  )

// The session as it arrived. If it has changed since, the present one is not returned.
const arrivedBy = (waiter: Waiter, session: CheckoutSession): Effect.Effect<CheckoutSession | null> => {
  const { afterVersion, arrived, lookedTo, sessions } = waiter
  if (arrived !== null) return Exit.succeed(arrived.version === session.version ? session : copyOf(arrived))
  if (afterVersion === null || session.version <= Math.max(afterVersion + 1, lookedTo))
    return Exit.succeed(hasArrived(session, afterVersion) ? session : null)
  waiter.lookedTo = session.version
  return Effect.map(missed(sessions, session, afterVersion), (found) =>
    found === null && hasArrived(session, afterVersion) ? session : found
  )
}

const page = 100

// Finds the arrival in the history; null if it is not there, or the history is not kept.
const missed = (
  { events }: Sessions,
  { id, version }: CheckoutSession,
  afterVersion: number
): Effect.Effect<CheckoutSession | null> =>
  Effect.gen(function* () {
    let state = initial
    for (let seen = 0; seen < version; ) {
      const found = yield* events(id, seen, page)
      if (found.length === 0) return null
      for (const { event, sequence } of found) {
        state = evolve(state, event as SessionEvent)
        seen = sequence
        if (state.session !== null && hasArrived(state.session, afterVersion)) return state.session
      }
    }
    return null
  }).pipe(Effect.orElseSucceed(() => null))
