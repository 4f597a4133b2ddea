/**
 * QuietTimer: pauses of the engine's own loops, which do not keep the process alive: an engine that was not closed must not
 * stop a program from ending. `keepAlive` does keep it alive, and so does a `Timer`.
 *
 * With a test clock or in a simulation a pause follows that clock.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as DefaultServices from "effect/DefaultServices"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"

const live: Clock.Clock = Context.get(DefaultServices.liveServices, Clock.Clock)

/** Whether a clock is that of the machine, whose timers are Node's. */
export const isLive = (clock: Clock.Clock): boolean => clock === live

/** A timer; `unref` exists on Node only. */
type Timer = ReturnType<typeof setTimeout> & { readonly unref?: () => unknown }

/** Waits, without keeping the process alive. */
export const sleep = (millis: number): Effect.Effect<void> =>
  Clock.clockWith((clock) => (isLive(clock) ? pause(millis) : clock.sleep(Duration.millis(millis))))

const pause = (millis: number): Effect.Effect<void> =>
  Effect.async((resume) => {
    const timer: Timer = setTimeout(() => resume(Effect.void), millis)
    timer.unref?.()
    return Effect.sync(() => clearTimeout(timer))
  })

/** Longest period of a timer, milliseconds. */
const longestMillis = 2 ** 31 - 1

/** Keeps the process alive until the returned function is called. */
export const keepAlive = (): (() => void) => {
  const timer = setInterval(() => {}, longestMillis)
  return () => clearInterval(timer)
}
