/**
 * Deadline: ends a call when its time is over: two fibers that watch each other. `Effect.timeout` also races and disconnects
 * them, which costs several times as much.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as Runtime from "effect/Runtime"

/**
 * Fails with `late` after so many milliseconds; the call is then interrupted, and its end is not waited for. An interruption ends
 * the call first.
 */
export const within =
  <E1>(millis: number, late: () => E1) =>
  <A, E>(call: Effect.Effect<A, E>): Effect.Effect<A, E | E1> =>
    Effect.flatMap(Effect.runtime<never>(), (runtime) =>
      Effect.async<A, E | E1>((resume) => {
        const run = Runtime.runFork(runtime)
        const timer = run(Effect.sleep(millis))
        const calling = run(call)
        calling.addObserver((exit) => {
          timer.unsafeInterruptAsFork(FiberId.none)
          resume(exit)
        })
        timer.addObserver((exit) => {
          if (Exit.isFailure(exit)) return
          resume(Effect.fail(late()))
          calling.unsafeInterruptAsFork(FiberId.none)
        })
        return Effect.zipRight(Fiber.interrupt(timer), Fiber.interrupt(calling))
      })
    )
