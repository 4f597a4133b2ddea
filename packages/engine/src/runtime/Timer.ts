/**
 * Timer: calls back once after a time. It costs no fiber with the live clock, and keeps the process alive unless it is
 * quiet; with a test clock or in a simulation it follows that clock.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FiberId from "effect/FiberId"
import * as Runtime from "effect/Runtime"
import { isLive } from "./QuietTimer.js"

/** Calls back after `millis` milliseconds (at most 2^31-1), unless the returned function is called before. */
export type Start = (millis: number, callback: () => void) => () => void

const start: Start = (millis, callback) => {
  const timer = setTimeout(callback, millis)
  return () => clearTimeout(timer)
}

const startQuiet: Start = (millis, callback) => {
  const timer: ReturnType<typeof setTimeout> & { readonly unref?: () => unknown } = setTimeout(callback, millis)
  timer.unref?.() // exists on Node only
  return () => clearTimeout(timer)
}

const makeWith = (live: Start): Effect.Effect<Start> =>
  Effect.gen(function* () {
    const clock = yield* Clock.clockWith(Effect.succeed)
    if (isLive(clock)) return live
    const fork = Runtime.runFork(yield* Effect.runtime<never>())
    return (millis, callback) => {
      // A test clock may end a sleep at once; a timer must not call back before it is returned.
      const sleep = Effect.zipRight(Effect.yieldNow(), clock.sleep(Duration.millis(millis)))
      const fiber = fork(Effect.zipRight(sleep, Effect.sync(callback)))
      return () => fiber.unsafeInterruptAsFork(FiberId.none)
    }
  })

/** Creates timers that follow the current clock. */
export const make: Effect.Effect<Start> = makeWith(start)

/** The same, without keeping the process alive. */
export const makeQuiet: Effect.Effect<Start> = makeWith(startQuiet)
