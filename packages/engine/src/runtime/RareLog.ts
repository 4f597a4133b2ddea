/**
 * RareLog: logs events that may happen thousands of times a second. Writes at most one line a second, with the number
 * of suppressed lines.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Runtime from "effect/Runtime"

/** Logs an error with its annotations, unless one was logged within the last second. */
export type RareLog = (message: string, annotations: { readonly [key: string]: unknown }, cause: unknown) => void

const everyMillis = 1_000

/** Creates a rare log that writes to the current loggers. */
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
