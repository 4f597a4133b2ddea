/**
 * Race: the first of two effects to end decides; the other one is interrupted.
 *
 * `Effect.raceFirst` of Effect 3.22 never ends if it is interrupted after it has made its two fibers and before it has
 * started them: it waits for fibers that never run. Here both have begun before anything can be interrupted.
 */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Runtime from "effect/Runtime"

/** Ends as the first of them ends, once the other one has ended, too. */
export const first = <A, E, R, B, F, S>(
  one: Effect.Effect<A, E, R>,
  other: Effect.Effect<B, F, S>
): Effect.Effect<A | B, E | F, R | S> =>
  Effect.flatMap(Effect.runtime<R | S>(), (runtime) =>
    Effect.async<A | B, E | F>((resume) => {
      const fork = Runtime.runFork(runtime)
      const fibers: ReadonlyArray<Fiber.RuntimeFiber<A | B, E | F>> = [fork(one), fork(other)]
      for (const fiber of fibers) fiber.addObserver((exit) => resume(Effect.zipRight(Fiber.interruptAll(fibers), exit)))
      return Fiber.interruptAll(fibers)
    })
  )
