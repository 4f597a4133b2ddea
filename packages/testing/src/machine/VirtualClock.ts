/**
 * VirtualClock: time that stands still while anything can run and jumps to the next sleeper otherwise. Unlike
 * `TestClock` it never reads the real clock, so an hour passes at once and always in the same order.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"

/** A clock with manual control. */
export interface VirtualClock extends Clock.Clock {
  /** Advances to the instant of the next sleeper and wakes it; false if there is none. */
  readonly advance: () => boolean
  /** The instant of the next sleeper, by the monotonic reading; null: none. */
  readonly nextMillis: () => number | null
  /** The monotonic reading, which a jump does not change. */
  readonly monotonicMillis: () => number
  /** Advances to an instant, at most to that of the next sleeper, without waking it. */
  readonly goTo: (millis: number) => void
  /** Wakes after so many milliseconds, unless the returned function is called before. */
  readonly wakeAfter: (millis: number, wake: () => void) => () => void
  /** Sets the wall clock forward or back, like an operator correcting it; pending sleeps are not affected. */
  readonly jump: (millis: number) => void
}

interface Sleeper {
  readonly atMillis: number
  readonly wake: () => void
}

/** Starts a clock. */
export const make = (startMillis = 1_700_000_000_000): VirtualClock => {
  let nowMillis = startMillis
  let jumpedMillis = 0
  const sleepers: Array<Sleeper> = []
  // Monotonic: setting the wall clock does not change it.
  const nanos = (): bigint => BigInt(nowMillis) * 1_000_000n
  const wakeAfter = (millis: number, wake: () => void): (() => void) => {
    const sleeper = { atMillis: nowMillis + Math.max(0, Math.ceil(millis)), wake }
    insert(sleepers, sleeper)
    return () => {
      const index = sleepers.indexOf(sleeper)
      if (index >= 0) sleepers.splice(index, 1)
    }
  }
  return {
    [Clock.ClockTypeId]: Clock.ClockTypeId,
    unsafeCurrentTimeMillis: () => nowMillis + jumpedMillis,
    unsafeCurrentTimeNanos: nanos,
    currentTimeMillis: Effect.sync(() => nowMillis + jumpedMillis),
    currentTimeNanos: Effect.sync(nanos),
    sleep: (duration) =>
      Effect.async<void>((resume) => Effect.sync(wakeAfter(Duration.toMillis(duration), () => resume(Effect.void)))),
    advance: () => {
      const next = sleepers.pop()
      if (next === undefined) return false
      nowMillis = next.atMillis
      next.wake()
      return true
    },
    nextMillis: () => sleepers.at(-1)?.atMillis ?? null,
    monotonicMillis: () => nowMillis,
    goTo: (millis) => {
      nowMillis = Math.max(nowMillis, Math.min(millis, sleepers.at(-1)?.atMillis ?? Number.POSITIVE_INFINITY))
    },
    wakeAfter,
    jump: (millis) => {
      jumpedMillis += millis
    }
  }
}

/** Keeps sleepers sorted, latest first; at equal instants, the earlier registered one wakes first. */
const insert = (sleepers: Array<Sleeper>, sleeper: Sleeper): void => {
  let index = sleepers.length
  while (index > 0 && sleepers[index - 1]!.atMillis <= sleeper.atMillis) index--
  sleepers.splice(index, 0, sleeper)
}
