/**
 * ClockWatch: tells when this process's clock and the store's differ by another amount than before: a server whose clock is
 * wrong, or was set. Nothing rests on it; the store's time counts.
 */
import { QuietTimer } from "@onelane/engine"
import * as Effect from "effect/Effect"

/** A difference of less than this is told of nobody, milliseconds. */
const stepMillis = 1_000

/** Two lines have at least this between them, milliseconds. */
const pauseMillis = 60_000

/** Looks every `everyMillis`, for ever. `offsetMillis`: the store's time minus this process's. */
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
