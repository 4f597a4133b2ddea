/**
 * JournalClock: the time of a shared store, as one engine knows it. The store returns its time with its answers; in
 * between this engine's monotonic clock continues it. The wall clock of this process is not used, so a wrong or changed
 * wall clock affects no expiry and no deadline.
 *
 * The result is never ahead of the store by more than the latency of an answer, and mostly a little behind, so nothing
 * expires too early.
 */

/** The time of a store. */
export interface JournalClock {
  /** The store's time now, epoch milliseconds. */
  readonly nowMillis: () => number
  /** The monotonic reading to hand to `heard`, milliseconds: taken before the store is asked. */
  readonly beganMillis: () => number
  /** Notes that the store returned `atMillis` to a question asked at `beganMillis`. */
  readonly heard: (beganMillis: number, atMillis: number) => void
}

/** Creates the clock; `monotonicMillis` never goes back. `nowMillis` is undefined before the first `heard`. */
export const make = (monotonicMillis: () => number): JournalClock => {
  let offsetMillis = Number.NaN
  return {
    nowMillis: () => Math.floor(monotonicMillis() + offsetMillis),
    beganMillis: monotonicMillis,
    heard: (beganMillis, atMillis) => {
      // The store read its clock between question and answer, so the offset lies between these two. A known offset in
      // that range is kept.
      const least = atMillis - monotonicMillis()
      const most = atMillis - beganMillis
      offsetMillis = Number.isNaN(offsetMillis) ? least : Math.min(Math.max(offsetMillis, least), most)
    }
  }
}
