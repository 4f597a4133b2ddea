/**
 * StoreTime: a store with a time of its own, several engines whose clocks are wrong, and the look whether one of them archived
 * a session before its time.
 */
import { EffectRunner, type Journal, JournalClock } from "@onelane/engine"
import { Clock, Effect } from "effect"

// The monotonic reading of the run is the store's time: nobody sets it.
const trueMillis = (clock: Clock.Clock): number => Number(clock.unsafeCurrentTimeNanos() / 1_000_000n)

/** A clock that is wrong by `millis`; sleepers sleep as long as they would have. */
export const skewed = (clock: Clock.Clock, millis: number): Clock.Clock => ({
  [Clock.ClockTypeId]: Clock.ClockTypeId,
  unsafeCurrentTimeMillis: () => clock.unsafeCurrentTimeMillis() + millis,
  unsafeCurrentTimeNanos: () => clock.unsafeCurrentTimeNanos(),
  currentTimeMillis: Effect.map(clock.currentTimeMillis, (now) => now + millis),
  currentTimeNanos: clock.currentTimeNanos,
  sleep: (duration) => clock.sleep(duration)
})

/** The journal as one engine has it over a store that says its time with its answers: as it was when it was asked. */
export const kept = (journal: Journal.JournalShape, clock: Clock.Clock): Journal.JournalShape => {
  // Another origin than the store's: an engine's monotonic clock is nobody else's.
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

/** The journal, with a look at what is written: by the store's time, was a session opened now, and archived not too early? */
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
