/**
 * StoreTime: a store with its own time, several engines with wrong clocks, and a check that none of them archived a
 * session too early.
 */
import { EffectRunner, type Journal, JournalClock } from "@onelane/engine"
import { Clock, Effect } from "effect"

// The run's monotonic reading is the store's time, which is never set.
const trueMillis = (clock: Clock.Clock): number => Number(clock.unsafeCurrentTimeNanos() / 1_000_000n)

/** A clock that is wrong by `millis`; sleeps are not affected. */
export const skewed = (clock: Clock.Clock, millis: number): Clock.Clock => ({
  [Clock.ClockTypeId]: Clock.ClockTypeId,
  unsafeCurrentTimeMillis: () => clock.unsafeCurrentTimeMillis() + millis,
  unsafeCurrentTimeNanos: () => clock.unsafeCurrentTimeNanos(),
  currentTimeMillis: Effect.map(clock.currentTimeMillis, (now) => now + millis),
  currentTimeNanos: clock.currentTimeNanos,
  sleep: (duration) => clock.sleep(duration)
})

/** The journal of one engine over a store that returns its time with its answers (the time at the question). */
export const kept = (journal: Journal.JournalShape, clock: Clock.Clock): Journal.JournalShape => {
  // Another origin than the store's: each engine has its own monotonic clock.
  const time = JournalClock.make(() => trueMillis(clock) - 1_000_000_000)
  time.heard(time.beganMillis(), trueMillis(clock))
  const timed = <A, E>(ask: () => Effect.Effect<A, E>): Effect.Effect<A, E> => {
    const beganMillis = time.beganMillis()
    const atMillis = trueMillis(clock)
    return EffectRunner.mapNow(ask(), (answer) => {
      time.heard(beganMillis, atMillis)
      return answer
    })
  }
  return {
    ...journal,
    nowMillis: time.nowMillis,
    append: (batch) => timed(() => journal.append(batch)),
    alarms: (kind, beforeMillis, limit, after) => timed(() => journal.alarms(kind, beforeMillis, limit, after))
  }
}

/** A turn of the simulation is over long before. */
const mostLateMillis = 60_000

interface Looked {
  readonly type: string
  readonly at: number
  readonly expiresAt?: number | null
}

/**
 * Wraps the journal with a check of writes, by the store's time: sessions are opened now, and not archived too early.
 */
export const watched = (
  journal: Journal.JournalShape,
  clock: Clock.Clock,
  onProblem: (problem: string) => void
): Journal.JournalShape => {
  const expiries = new Map<string, number | null>()
  const look = (id: string, { at, expiresAt = null, type }: Looked): void => {
    const nowMillis = trueMillis(clock)
    if (type === "Opened") expiries.set(id, expiresAt)
    if (type === "Opened" && Math.abs(nowMillis - at) > mostLateMillis) onProblem(`${id}: opened by a wrong clock`)
    if (type === "Expired" && nowMillis < (expiries.get(id) ?? 0)) onProblem(`${id}: archived before its time`)
  }
  return {
    ...journal,
    append: (batch) =>
      EffectRunner.mapNow(journal.append(batch), (outcomes) => {
        for (const [place, { address, events }] of batch.entries())
          if (outcomes[place] === "committed" && address.kind === "session")
            for (const event of events) look(address.id, event as Looked)
        return outcomes
      })
  }
}
