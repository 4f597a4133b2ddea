/**
 * SeededScheduler: runs fibers one step at a time in an order that a seed decides, on the spot: no microtask, no timer,
 * so a whole run is one synchronous call and always the same one.
 *
 * Two traps of this Effect line shape it. A forced yield costs the fiber about ten further operations that could be made
 * to yield themselves, so at least 12 lie between two. And whatever goes around Effect (a raw promise, a real timer)
 * breaks repetition: the engine's own deferred work comes through `defer`.
 */
import { Effect, type Exit, type Fiber, Random, type Scheduler } from "effect"
import type { Seeded } from "./Seeded.js"
import * as VirtualClock from "./VirtualClock.js"

/** Fewest operations a fiber makes between two forced yields. */
export const leastOperations = 12

/** A scheduler and the hand that drives it. */
export interface SeededScheduler extends Scheduler.Scheduler {
  /** Runs one waiting task, chosen by the seed; false when none waits. */
  readonly step: () => boolean
  /** Runs a task soon, among the fibers. */
  readonly defer: (task: () => void) => void
}

/** Makes a scheduler; a fiber is made to yield after `leastOperations` to `mostOperations` (infinity: never). */
export const make = (seeded: Seeded, mostOperations: number): SeededScheduler => {
  const waiting: Array<() => void> = []
  const limits = new WeakMap<object, number>()
  const draw = (fiber: object): number => {
    const limit = Number.isFinite(mostOperations) ? seeded.between(leastOperations, mostOperations) : mostOperations
    limits.set(fiber, limit)
    return limit
  }
  const defer = (task: () => void): void => void waiting.push(task)
  return {
    shouldYield: (fiber) => {
      const count = (fiber as unknown as { readonly currentOpCount: number }).currentOpCount
      if (count < leastOperations || count < (limits.get(fiber) ?? draw(fiber))) return false
      draw(fiber)
      return 0
    },
    scheduleTask: defer,
    defer,
    step: () => {
      if (waiting.length === 0) return false
      const index = seeded.below(waiting.length)
      const task = waiting[index]!
      waiting[index] = waiting[waiting.length - 1]!
      waiting.pop()
      task()
      return true
    }
  }
}

/** Bounds of one run. */
export interface RunLimits {
  readonly steps: number
  readonly millis: number
}

/** A run that did not end: nothing can move any more, or its bounds were reached. */
export class Hung extends Error {
  override readonly name = "Hung"
}

/** Runs an effect to its end on this scheduler and a virtual clock. Throws `Hung` when it does not come to one. */
export const runToEnd = <A, E>(
  effect: Effect.Effect<A, E>,
  scheduler: SeededScheduler,
  seeded: Seeded,
  limits: RunLimits
): Exit.Exit<A, E> => {
  const clock = VirtualClock.make()
  const startedMillis = clock.unsafeCurrentTimeMillis()
  const fiber: Fiber.RuntimeFiber<A, E> = Effect.runFork(
    effect.pipe(
      Effect.withClock(clock),
      Effect.withRandom(Random.make(seeded.below(0x7fffffff))),
      Effect.withScheduler(scheduler)
    ),
    { scheduler }
  )
  for (let steps = 0; ; steps++) {
    const exit = fiber.unsafePoll()
    if (exit !== null) return exit
    if (steps > limits.steps) throw new Hung(`no end within ${limits.steps} steps`)
    if (!scheduler.step()) {
      if (!clock.advance()) throw new Hung("everybody waits for somebody else")
      if (clock.unsafeCurrentTimeMillis() - startedMillis > limits.millis) {
        throw new Hung(`no end within ${limits.millis} ms of its own time`)
      }
    }
  }
}
