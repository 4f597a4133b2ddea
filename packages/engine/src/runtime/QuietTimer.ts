/**
 * QuietTimer: pauses of the engine's own loops that do not keep the process alive, so that a program can end without
 * closing its engine. `keepAlive` does keep the process alive, and so does a `Timer`.
 *
 * With a test clock or in a simulation a pause follows that clock.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as DefaultServices from "effect/DefaultServices"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"

const live: Clock.Clock = Context.get(DefaultServices.liveServices, Clock.Clock)

/** Whether a clock is the machine's, which uses Node timers. */
export const isLive = (clock: Clock.Clock): boolean => clock === live

/** A timer; `unref` exists on Node only. */
type Timer = ReturnType<typeof setTimeout> & { readonly unref?: () => unknown }

/** Longest period of a timer, milliseconds. */
const longestMillis = 2 ** 31 - 1

/**
 * Waits without keeping the process alive; at most 24 days on the machine's clock, so check the time again afterwards.
 */
export const sleep = (millis: number): Effect.Effect<void> =>
  Clock.clockWith((clock) => (isLive(clock) ? pause(millis) : clock.sleep(Duration.millis(millis))))

const pause = (millis: number): Effect.Effect<void> =>
  Effect.async((resume) => {
    const timer: Timer = setTimeout(() => resume(Effect.void), Math.min(millis, longestMillis))
    timer.unref?.()
    return Effect.sync(() => clearTimeout(timer))
  })

/** Keeps the process alive until the returned function is called. */
export const keepAlive = (): (() => void) => {
  const timer = setInterval(() => {}, longestMillis)
  return () => clearInterval(timer)
}
