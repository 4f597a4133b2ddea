/**
 * JournalClock: the time of a store that several engines share, kept by one of them. The store says its time with its answers;
 * in between this engine's monotonic clock carries it on. No wall clock of this process is asked, so a wrong one, or one that
 * is set while the process runs, moves no expiry and no deadline.
 *
 * What is told is never ahead of the store by more than an answer was on its way, and mostly a little behind: nothing is over
 * too early.
 */

/** The time of a store. */
export interface JournalClock {
  /** The store's time now, epoch milliseconds. */
  readonly nowMillis: () => number
  /** The monotonic reading to hand to `heard`, milliseconds: taken before the store is asked. */
  readonly beganMillis: () => number
  /** Takes in that the store said `atMillis` in an answer to what was asked at `beganMillis`. */
  readonly heard: (beganMillis: number, atMillis: number) => void
}

/** Makes it; `monotonicMillis` never goes back. `nowMillis` means nothing before the first `heard`. */
export const make = (monotonicMillis: () => number): JournalClock => {
  let offsetMillis = Number.NaN
  return {
    nowMillis: () => Math.floor(monotonicMillis() + offsetMillis),
    beganMillis: monotonicMillis,
    heard: (beganMillis, atMillis) => {
      // The store said it between the question and the answer: the offset lies between these two. One that does stays.
      const least = atMillis - monotonicMillis()
      const most = atMillis - beganMillis
      offsetMillis = Number.isNaN(offsetMillis) ? least : Math.min(Math.max(offsetMillis, least), most)
    }
  }
}
