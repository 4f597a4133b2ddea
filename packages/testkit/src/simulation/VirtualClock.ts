/**
 * VirtualClock: time that stands still while anything can run and jumps to the next sleeper when nothing can. Unlike
 * `TestClock` it never looks at the real one, so an hour passes in no time and always in the same order.
 */
import { Clock, Duration, Effect } from "effect"

/** A clock and the hand that moves it. */
export interface VirtualClock extends Clock.Clock {
  /** Goes to the instant of the next sleeper and wakes it; false when nobody sleeps. */
  readonly advance: () => boolean
  /** Sets the reading forward or back, as somebody correcting a clock does; sleepers sleep as long as they would have. */
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
  // Monotonic, as it is everywhere: setting a clock does not move it.
  const nanos = (): bigint => BigInt(nowMillis) * 1_000_000n
  return {
    [Clock.ClockTypeId]: Clock.ClockTypeId,
    unsafeCurrentTimeMillis: () => nowMillis + jumpedMillis,
    unsafeCurrentTimeNanos: nanos,
    currentTimeMillis: Effect.sync(() => nowMillis + jumpedMillis),
    currentTimeNanos: Effect.sync(nanos),
    sleep: (duration) =>
      Effect.async<void>((resume) => {
        const sleeper = {
          atMillis: nowMillis + Math.ceil(Duration.toMillis(duration)),
          wake: () => resume(Effect.void)
        }
        insert(sleepers, sleeper)
        return Effect.sync(() => {
          const index = sleepers.indexOf(sleeper)
          if (index >= 0) sleepers.splice(index, 1)
        })
      }),
    advance: () => {
      const next = sleepers.pop()
      if (next === undefined) return false
      nowMillis = next.atMillis
      next.wake()
      return true
    },
    jump: (millis) => {
      jumpedMillis += millis
    }
  }
}

/** Keeps sleepers latest first; of two for one instant the one who lay down first wakes first. */
const insert = (sleepers: Array<Sleeper>, sleeper: Sleeper): void => {
  let index = sleepers.length
  while (index > 0 && sleepers[index - 1]!.atMillis <= sleeper.atMillis) index--
  sleepers.splice(index, 0, sleeper)
}
