/**
 * Arrival: waits until no work of a session runs any more. A waiting call is one callback on the commits of its session: no fiber
 * and no read for each of them. The right to read is checked when something is shown, not while nothing is.
 *
 * Owns when a session has arrived, and what is answered when it has not. Does not own calls that start work.
 */
import { type ActorSystem, Timer } from "@onelane/engine"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Input from "../commands/Input.js"
import type { AccessError, InvalidInput } from "../errors/CheckoutError.js"
import type { Caller } from "../ports/Caller.js"
import { type CheckoutSession, copyOf } from "../session/CheckoutSession.js"
import { evolve, initial, type SessionEvent, type SessionState } from "../session/SessionState.js"
import type { Sessions } from "../work/Sessions.js"
import type * as S from "./CheckoutSessions.js"

/** Longest wait, milliseconds. */
export const longestMillis = 60_000

/** How long a call waits unless it says so, milliseconds. */
export const defaultMillis = 10_000

const fields = {
  wait: { ...Input.optionalOneOf(["screen"]), required: true },
  waitMillis: Input.optionalWhole(1, longestMillis)
}
const fieldsAfter = { ...fields, afterVersion: Input.optionalWhole(0, Number.MAX_SAFE_INTEGER) }

/** Copies what a call was told about waiting. */
export const take = <W extends S.Wait>(wait: W | undefined): W | undefined =>
  wait === undefined ? undefined : Input.take(wait, fieldsAfter)

/** Step 2 for a call that starts work: null, or the first fault. */
export const check = (wait: S.Wait): InvalidInput | null => Input.accept(given(wait), fields)

/** Step 2 for a `get`. */
export const checkAfter = (wait: S.WaitAfter): InvalidInput | null => Input.accept(given(wait), fieldsAfter)

// A copy has all names.
const given = (wait: S.WaitAfter): object =>
  typeof wait !== "object" || wait === null
    ? wait
    : Object.fromEntries(Object.entries(wait).filter(([name, value]) => value !== undefined || !(name in fieldsAfter)))

/** How long to wait, milliseconds. */
export const millisOf = ({ waitMillis }: S.Wait): number => waitMillis ?? defaultMillis

/** The same, for what is left after `spentMillis`; at least a look. */
export const rest = <W extends S.Wait>(wait: W, spentMillis: number): W => ({
  ...wait,
  waitMillis: Math.max(1, Math.min(longestMillis, Math.ceil(millisOf(wait) - spentMillis)))
})

/** The part of an answer that waiting is about. */
interface Accepted {
  readonly session: CheckoutSession
}

/**
 * Answers an accepted call once its session has arrived. `look` waits for that, after a version. When it fails, the answer is what
 * was accepted: it stays accepted.
 */
export const after = <A extends Accepted>(
  accepted: A,
  look: (afterVersion: number) => Effect.Effect<CheckoutSession, unknown>
): Effect.Effect<A & { readonly arrived: boolean }> =>
  accepted.session.isProcessing
    ? Effect.suspend(() => look(accepted.session.version)).pipe(
        Effect.map((session) => ({ ...accepted, session, arrived: !session.isProcessing })),
        Effect.catchAllCause((cause) =>
          Cause.isInterruptedOnly(cause) ? Effect.interrupt : Effect.succeed({ ...accepted, arrived: false })
        )
      )
    : Effect.succeed({ ...accepted, arrived: true })

/** Calls that may wait. */
type Calls = Pick<S.SessionCalls, "open" | "update" | "completeTask">

/**
 * The same calls, which wait apart from what they do: they are accepted first, then `get` waits for their session. A malformed wait is
 * given to the call, which refuses it.
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

/** One waiting call. */
interface Waiter {
  /** The version it waits after; null while any will do. */
  afterVersion: number | null
  /** The version up to which nothing was missed. */
  lookedTo: number
  /** The first state without running work, as it was committed here. */
  arrived: CheckoutSession | null
  /** Nothing more is waited for. */
  isOver: boolean
  isWoken: boolean
  resume: ((_: Effect.Effect<void>) => void) | null
  leave: (() => void) | null
  stop: (() => void) | null
}

const wake = (waiter: Waiter): void => {
  waiter.isWoken = true
  waiter.resume?.(Effect.void)
  waiter.resume = null
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

const hasArrived = ({ isProcessing, version }: CheckoutSession, afterVersion: number | null): boolean =>
  !isProcessing && (afterVersion === null || version > afterVersion)

/** Where to wait: the sessions, and a read that checks the right to it. */
export interface Place {
  readonly sessions: Sessions
  readonly read: Effect.Effect<CheckoutSession, AccessError>
}

/** Reads a session once it has arrived, or as it is when the time is over. */
export const get = (
  place: Place,
  { checkoutSessionId }: S.SessionInput,
  wait: S.WaitAfter
): Effect.Effect<CheckoutSession, AccessError> =>
  Effect.acquireUseRelease(
    Effect.sync(() => begin(place, checkoutSessionId, wait)),
    (waiter) => look(place, waiter, millisOf(wait)),
    ({ leave, stop }) =>
      Effect.sync(() => {
        leave?.()
        stop?.()
      })
  )

const begin = ({ sessions }: Place, id: string, wait: S.WaitAfter): Waiter => {
  const waiter: Waiter = {
    afterVersion: wait.afterVersion ?? null,
    lookedTo: 0,
    arrived: null,
    isOver: false,
    isWoken: false,
    resume: null,
    leave: null,
    stop: null
  }
  waiter.leave = sessions.attend(id, (signal) => hear(waiter, signal))
  waiter.isOver = waiter.leave === null
  return waiter
}

// It is heard before it is looked, so a commit in between is not missed.
const look = (place: Place, waiter: Waiter, waitMillis: number): Effect.Effect<CheckoutSession, AccessError> => {
  const again: Effect.Effect<CheckoutSession, AccessError> = Effect.suspend(() => {
    waiter.isWoken = false
    return Effect.flatMap(place.read, (session) =>
      Effect.flatMap(arrivedBy(place, waiter, session), (arrived) => {
        if (arrived !== null || waiter.isOver) return Effect.succeed(arrived ?? session)
        waiter.afterVersion ??= session.version
        return Effect.zipRight(untilWoken(waiter, waitMillis), again)
      })
    )
  })
  return again
}

const untilWoken = (waiter: Waiter, waitMillis: number): Effect.Effect<void> => {
  const woken = Effect.async<void>((resume) => {
    if (waiter.isWoken) resume(Effect.void)
    else waiter.resume = resume
  })
  if (waiter.stop !== null) return woken
  const over = (): void => {
    waiter.isOver = true
    wake(waiter)
  }
  return Effect.flatMap(Timer.make, (start) => {
    waiter.stop = start(waitMillis, over)
    return woken
  })
}

// The state in which it arrived. It may have gone on since: then the present one is not shown.
const arrivedBy = (
  { sessions }: Place,
  waiter: Waiter,
  session: CheckoutSession
): Effect.Effect<CheckoutSession | null> => {
  const { afterVersion, arrived, lookedTo } = waiter
  if (arrived !== null) return Effect.succeed(arrived.version === session.version ? session : copyOf(arrived))
  if (afterVersion === null || session.version <= Math.max(afterVersion + 1, lookedTo))
    return Effect.succeed(hasArrived(session, afterVersion) ? session : null)
  waiter.lookedTo = session.version
  return Effect.map(missed(sessions, session, afterVersion), (found) =>
    found === null && hasArrived(session, afterVersion) ? session : found
  )
}

const page = 100

// Looks it up in the history; null where it is not there, or not kept.
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
