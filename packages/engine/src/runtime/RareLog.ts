/**
 * RareLog: a log line for something that may happen thousands of times a second. At most one line a second is written; it
 * says how many were left out since the one before.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Runtime from "effect/Runtime"

/** Logs an error with its annotations, unless one was logged within the last second. */
export type RareLog = (message: string, annotations: { readonly [key: string]: unknown }, cause: unknown) => void

const everyMillis = 1_000

/** Makes a rare log that writes to the loggers in force here. */
export const make: Effect.Effect<RareLog> = Effect.gen(function* () {
  const runtime = yield* Effect.runtime<never>()
  const clock = yield* Clock.clockWith(Effect.succeed)
  let loggedAtMillis = Number.NEGATIVE_INFINITY
  let unlogged = 0
  return (message, annotations, cause) => {
    const nowMillis = clock.unsafeCurrentTimeMillis()
    if (nowMillis - loggedAtMillis < everyMillis) {
      unlogged += 1
      return
    }
    loggedAtMillis = nowMillis
    Runtime.runFork(runtime)(
      Effect.annotateLogs(Effect.logError(message, Cause.die(cause)), { ...annotations, unlogged })
    )
    unlogged = 0
  }
})
