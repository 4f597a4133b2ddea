/**
 * Alarms: handles due sessions. At start-up it finds every claimed session in the journal's index and resumes its task;
 * then it archives expired sessions and resumes claims without a running task (a commit whose outcome was unknown).
 * Sessions that are not due are never read.
 *
 * `polling` runs rounds at intervals, for journals with several writers. If only this engine writes the journal,
 * `Watch` keeps the instant at which the next session is due, so an idle engine has no timer.
 */

import { type Journal, QuietTimer, Race } from "@onelane/engine"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type { CheckoutError } from "../errors/CheckoutError.js"
import { alarm, claimedAlarmMillis, type SessionState } from "../session/SessionState.js"
import type { Sessions } from "./Sessions.js"
import type { Tasks } from "./Tasks.js"

/** Alarms read from the index at a time. */
export const pageEntries = 256

/** Sessions handled concurrently. */
export const attendedAtOnce = 64

/** Ownership of a session in a cluster, now. */
export interface Custodian {
  /** This engine owns it: a claim made here runs here. */
  readonly isMine: (sessionId: string) => boolean
  /** This engine has owned it long enough that no previous owner still runs its task, so a claim is resumed. */
  readonly isSettled: (sessionId: string) => boolean
}

/**
 * Which sessions this engine handles. `true`: all of them; no other engine uses this journal, so a claim that does not
 * run here runs nowhere. `false`: other engines exist and ownership is unknown; only a claim past its deadline is
 * handled.
 */
export type Custody = boolean | Custodian

const everybody: Custodian = { isMine: () => true, isSettled: () => true }

/** What a round works with. */
export interface Parts {
  readonly sessions: Sessions
  readonly tasks: Tasks
  readonly custody: Custody
  /** The journal's time, epoch milliseconds. */
  readonly now: () => number
  /** Shortest pause between two rounds, milliseconds. */
  readonly everyMillis: number
}

/**
 * One round over all due sessions. A session that cannot be handled does not delay the others; it is due again in the
 * next round. Returns whether all could be handled.
 */
export const round = ({ custody, now, sessions, tasks }: Parts): Effect.Effect<boolean, CheckoutError> =>
  Effect.gen(function* () {
    const { isMine, isSettled } = typeof custody === "boolean" ? everybody : custody
    tasks.keep(isMine)
    const nowMillis = now()
    let last: Journal.JournalAlarm | undefined
    let isDone = true
    while (true) {
      const page: ReadonlyArray<Journal.JournalAlarm> = yield* sessions.alarms(nowMillis, pageEntries, last)
      const due = page.filter(({ id }) => !tasks.isRunning(id) && isSettled(id))
      yield* together(due, ({ id }) => attend(sessions, tasks, custody !== false, id, nowMillis))
      // By now a claim runs and an expired session is no longer due; any claim that does not run needs another round.
      isDone &&= due.every(({ alarmMillis, id }) => alarmMillis !== claimedAlarmMillis || tasks.isRunning(id))
      last = page[page.length - 1]
      if (page.length < pageEntries) return isDone
      yield* Effect.yieldNow()
    }
  })

// Not a concurrent `Effect.forEach`: in Effect 3.22 it never ends if interrupted during start-up.
const together = <A>(all: ReadonlyArray<A>, each: (one: A) => Effect.Effect<void>): Effect.Effect<void> =>
  Effect.gen(function* () {
    const permits = yield* Effect.makeSemaphore(attendedAtOnce)
    const fibers = yield* Effect.forEach(all, (one) => Effect.fork(permits.withPermits(1)(each(one))))
    yield* Effect.forEach(fibers, Fiber.await, { discard: true })
  })

const attend = (
  sessions: Sessions,
  tasks: Tasks,
  resumes: boolean,
  id: string,
  nowMillis: number
): Effect.Effect<void> =>
  Effect.flatMap(sessions.read(id), ({ state: { cartRevision, deadlineAt, session } }) => {
    if (session === null) return Effect.void
    if (!session.isProcessing) return Effect.asVoid(sessions.askInternal(id, { tag: "Expire" }))
    if (resumes || nowMillis >= (deadlineAt ?? 0)) tasks.resume(session, deadlineAt ?? nowMillis, cartRevision ?? null)
    return Effect.void
  }).pipe(Effect.catchAllCause((cause) => Effect.logDebug(`session ${id} could not be attended`, cause)))

const attempted = (parts: Parts): Effect.Effect<boolean> =>
  Effect.catchAllCause(round(parts), (cause) => Effect.as(Effect.logDebug("alarms could not be read", cause), false))

/**
 * Runs rounds for ever, the first at once. A failed round is repeated at the next interval. The pauses do not keep the
 * process alive.
 */
export const polling = (parts: Parts): Effect.Effect<void> =>
  attempted(parts).pipe(Effect.zipRight(QuietTimer.sleep(parts.everyMillis)), Effect.forever, Effect.interruptible)

/** Keeps the instant of the next round. */
export interface Watch {
  /** Called for every commit. */
  readonly committed: (state: SessionState) => void
  /** Called when the journal may hold a claim that does not run here. */
  readonly doubted: () => void
  /**
   * Runs a round at once, and one whenever a session is due, until it is interrupted. The pauses do not keep the
   * process alive.
   */
  readonly rounds: (parts: Parts) => Effect.Effect<void>
}

/** How long an unconfirmed write may still become durable, milliseconds. */
const doubtMillis = 60_000

/** A cursor behind all claims in the alarm index. Source: the alphabet of session ids (CONTRACT §1). */
const behindClaims: Journal.JournalAlarm = { id: "~", alarmMillis: claimedAlarmMillis }

/** Makes the watch of an engine that is the only writer of its journal. */
export const makeWatch = (): Watch => {
  const latch = Effect.unsafeMakeLatch(false)
  let nextMillis = Number.POSITIVE_INFINITY
  let isDoubtful = false
  return {
    committed: (state) => {
      // The new session is due earlier, or the clock was set forward and the next one is due already.
      const dueMillis = alarm(state)
      const isSooner = dueMillis !== null && dueMillis !== claimedAlarmMillis && dueMillis < nextMillis
      if (isSooner) nextMillis = dueMillis
      if (isSooner || state.session!.updatedAt >= nextMillis) latch.unsafeOpen()
    },
    doubted: () => {
      isDoubtful = true
      latch.unsafeOpen()
    },
    rounds: (parts) => {
      const { everyMillis, now, sessions } = parts
      let [lastMillis, doubtfulUntil] = [0, 0]
      const look = Effect.gen(function* () {
        // Later commits may be missing in the reads below, but `committed` is called for them.
        nextMillis = Number.POSITIVE_INFINITY
        const isDone = yield* attempted(parts)
        const next = yield* Effect.option(sessions.alarms(Number.MAX_SAFE_INTEGER, 1, behindClaims))
        lastMillis = now()
        if (next._tag === "None" || !isDone || lastMillis < doubtfulUntil) nextMillis = lastMillis
        else nextMillis = Math.min(nextMillis, next.value[0]?.alarmMillis ?? Number.POSITIVE_INFINITY)
      })
      const wait: Effect.Effect<void> = Effect.suspend(() => {
        const nowMillis = now()
        if (isDoubtful) {
          isDoubtful = false
          doubtfulUntil = nowMillis + doubtMillis
          nextMillis = Math.min(nextMillis, nowMillis)
        }
        // A clock that was set back must not delay the next round.
        const earliestMillis = Math.min(lastMillis, nowMillis) + everyMillis
        const leftMillis = Math.max(nextMillis, earliestMillis) - nowMillis
        if (leftMillis <= 0) return Effect.void
        latch.unsafeClose()
        const changed = latch.await
        return Effect.zipRight(
          leftMillis === Number.POSITIVE_INFINITY ? changed : Race.first(changed, QuietTimer.sleep(leftMillis)),
          wait
        )
      })
      return Effect.interruptible(Effect.forever(Effect.zipRight(look, wait)))
    }
  }
}

/** The rounds of an engine: by its watch, or by polling without one. */
export const rounds = (watch: Watch | null, parts: Parts): Effect.Effect<void> =>
  watch === null ? polling(parts) : watch.rounds(parts)
