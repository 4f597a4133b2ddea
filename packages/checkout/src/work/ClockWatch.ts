/**
 * ClockWatch: logs changes of the difference between this process's clock and the store's: one of them is wrong or was
 * set. Decisions do not depend on it; they use the store's time.
 */
import { QuietTimer } from "@onelane/engine"
import * as Effect from "effect/Effect"

/** Smaller differences are not logged, milliseconds. */
const stepMillis = 1_000

/** Shortest time between two lines, milliseconds. */
const pauseMillis = 60_000

/** Checks every `everyMillis`, for ever. `offsetMillis`: the store's time minus this process's. */
export const watch = (offsetMillis: () => number, everyMillis: number): Effect.Effect<never> => {
  let toldMillis = 0
  const look = Effect.suspend(() => {
    const offset = offsetMillis()
    if (Math.abs(offset - toldMillis) <= stepMillis) return QuietTimer.sleep(everyMillis)
    toldMillis = offset
    const seconds = Math.round(offset / 100) / 10
    const told = Effect.logWarning("the clock of this process and that of the database differ; the database's counts")
    return Effect.zipRight(Effect.annotateLogs(told, { databaseAheadSeconds: seconds }), QuietTimer.sleep(pauseMillis))
  })
  return Effect.forever(look)
}
