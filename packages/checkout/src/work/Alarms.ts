/**
 * Alarms: handles due sessions. At start-up it finds every claimed session in the journal's index and resumes its task; then,
 * at intervals, it archives expired sessions and resumes claims without a running task (a commit whose outcome was unknown).
 * Sessions that are not due are never read.
 */

import { type Journal, QuietTimer } from "@onelane/engine"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type { CheckoutError } from "../errors/CheckoutError.js"
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
  /** This engine has owned it for so long that no other runs its task any more: a claim is resumed. */
  readonly isSettled: (sessionId: string) => boolean
}

/**
 * Which sessions this engine handles. `true`: all of them; no other engine uses this journal, so a claim that does not run
 * here runs nowhere. `false`: other engines exist and ownership is unknown; only a claim past its deadline is handled.
 */
export type Custody = boolean | Custodian

const everybody: Custodian = { isMine: () => true, isSettled: () => true }

/**
 * One round over all due sessions. A session that cannot be handled does not delay the others; it is due again in the next
 * round. `now`: the journal's time, epoch milliseconds.
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

/**
 * Runs rounds for ever, the first immediately. A round that fails is repeated at the next interval. The pauses do not keep the
 * process alive.
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
