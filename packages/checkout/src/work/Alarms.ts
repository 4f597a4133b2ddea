/**
 * Alarms: sessions that want attention although nobody asks. At the start it finds every claimed session by the journal's
 * index and resumes its task; then, at intervals, it archives what has expired and takes up a claim that lost its task (a
 * commit whose answer never came). Sleeping sessions are never read.
 */

import { type Journal, QuietTimer } from "@onelane/engine"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type { CheckoutError } from "../errors/CheckoutError.js"
import type { Sessions } from "./Sessions.js"
import type { Tasks } from "./Tasks.js"

/** Alarms read from the index at a time. */
export const pageEntries = 256

/** Sessions attended at the same time. */
export const attendedAtOnce = 64

/** What a cluster says about a session, at this moment. */
export interface Custodian {
  /** It is this engine's: a claim made here runs here. */
  readonly isMine: (sessionId: string) => boolean
  /** It has been for so long that nobody else runs anything of it any more: a claim found is resumed. */
  readonly isSettled: (sessionId: string) => boolean
}

/**
 * Which sessions this engine looks after. `true`: all of them, nobody else runs tasks of this journal, so a claim that does
 * not run here runs nowhere. `false`: others do, and nobody knows which; only a claim past its deadline is taken up.
 */
export type Custody = boolean | Custodian

const everybody: Custodian = { isMine: () => true, isSettled: () => true }

/**
 * One round over everything that is due here. A session that cannot be attended does not keep the others waiting; it is
 * due again in the next round. `now`: the time that counts, epoch milliseconds.
 */
export const round = (
  sessions: Sessions,
  tasks: Tasks,
  custody: Custody,
  now: () => number
): Effect.Effect<void, CheckoutError> =>
  Effect.gen(function* () {
    const { isMine, isSettled } = typeof custody === "boolean" ? everybody : custody
    tasks.keep(isMine)
    const nowMillis = now()
    let last: Journal.JournalAlarm | undefined
    while (true) {
      const page: ReadonlyArray<Journal.JournalAlarm> = yield* sessions.alarms(nowMillis, pageEntries, last)
      const due = page.filter(({ id }) => !tasks.isRunning(id) && isSettled(id))
      yield* together(due, ({ id }) => attend(sessions, tasks, custody !== false, id, nowMillis))
      last = page[page.length - 1]
      if (page.length < pageEntries) return
      yield* Effect.yieldNow()
    }
  })

// Not a concurrent `Effect.forEach`: of Effect 3.22, one that is interrupted just as it starts its parts waits for ever.
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

/**
 * Rounds for ever, the first at once. A round that finds no journal is tried again at the next interval. The pauses do not
 * keep the process alive.
 */
export const rounds = (
  sessions: Sessions,
  tasks: Tasks,
  custody: Custody,
  now: () => number,
  everyMillis: number
): Effect.Effect<void> =>
  round(sessions, tasks, custody, now).pipe(
    Effect.catchAllCause((cause) => Effect.logDebug("alarms could not be read", cause)),
    Effect.zipRight(QuietTimer.sleep(everyMillis)),
    Effect.forever,
    Effect.interruptible
  )
