/**
 * Timer: calls back once after a time. It costs no fiber with the live clock, and keeps the process alive; with a test clock or
 * in a simulation it follows that clock.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FiberId from "effect/FiberId"
import * as Runtime from "effect/Runtime"
import { isLive } from "./QuietTimer.js"

/** Calls back after so many milliseconds, at most 2^31-1, unless the returned function is called before. */
export type Start = (millis: number, callback: () => void) => () => void

const start: Start = (millis, callback) => {
  const timer = setTimeout(callback, millis)
  return () => clearTimeout(timer)
}

/** Timers of the clock in force. */
export const make: Effect.Effect<Start> = Effect.gen(function* () {
  const clock = yield* Clock.clockWith(Effect.succeed)
  if (isLive(clock)) return start
  const fork = Runtime.runFork(yield* Effect.runtime<never>())
  return (millis, callback) => {
    // A clock may end a sleep at once; a timer never calls back before it is made.
    const sleep = Effect.zipRight(Effect.yieldNow(), clock.sleep(Duration.millis(millis)))
    const fiber = fork(Effect.zipRight(sleep, Effect.sync(callback)))
    return () => fiber.unsafeInterruptAsFork(FiberId.none)
  }
})
