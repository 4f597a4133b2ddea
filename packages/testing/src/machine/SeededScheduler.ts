/**
 * SeededScheduler: runs fibers one step at a time in an order that a seed decides. It runs synchronously, without
 * microtasks and timers, so a whole run is one synchronous, deterministic call.
 *
 * Three properties of this Effect version shape it. (1) A forced yield with a priority costs the fiber about ten
 * further operations, which may be forced to yield themselves. A yield without a priority costs two, so a few
 * operations between two yields are enough. (2) A concurrent `Effect.forEach` relies on the order of its scheduled
 * tasks: if it is interrupted before its first task ran, it waits for ever. So its tasks keep their order and run
 * first. (3) Anything that bypasses Effect (a raw promise, a real timer) makes a run non-deterministic, so the engine's
 * deferred work goes through `defer`.
 */
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import type * as Scheduler from "effect/Scheduler"
import type { Seeded } from "./Seeded.js"
import * as VirtualClock from "./VirtualClock.js"

/** Fewest operations a fiber makes between two forced yields. */
export const leastOperations = 4

const limit = Symbol("limit")
const starts = Symbol("starts")

/** The internals of a fiber that are used here. */
interface Inside {
  readonly currentOpCount: number
  /** Continues the fiber; the task that a fiber schedules for itself. */
  readonly run: () => void
  [limit]?: number
  /** A concurrent loop is about to start or interrupt it. */
  [starts]?: boolean
}

/**
 * A yield with a priority sets and restores a fiber ref, which costs more than a whole turn of the engine; this one
 * does not.
 */
const withoutPriority = undefined as unknown as number

/** A scheduler with manual steps. */
export interface SeededScheduler extends Scheduler.Scheduler {
  /** Runs one waiting task, chosen by the seed; false when none waits. */
  readonly step: () => boolean
  /** Runs a task soon, among the fibers. */
  readonly defer: (task: () => void) => void
}

/**
 * Makes a scheduler; a fiber is forced to yield after `leastOperations` to `mostOperations` operations (infinity:
 * never).
 */
export const make = (seeded: Seeded, mostOperations: number): SeededScheduler => {
  const waiting: Array<() => void> = []
  const first: Array<() => void> = []
  // Kept on the fiber itself: a table beside it costs a tenth of a run.
  const draw = (fiber: Inside): number =>
    (fiber[limit] = Number.isFinite(mostOperations) ? seeded.between(leastOperations, mostOperations) : mostOperations)
  const defer = (task: () => void): void => void waiting.push(task)
  return {
    shouldYield: (fiber) => {
      const limited = fiber as unknown as Inside
      const count = limited.currentOpCount
      if (count < leastOperations || count < (limited[limit] ?? draw(limited))) return false
      draw(limited)
      return withoutPriority
    },
    scheduleTask: (task, _priority, fiber) => {
      const inside = fiber as unknown as Inside | undefined
      const isOfLoop = inside !== undefined && task !== inside.run
      if (isOfLoop || inside?.[starts]) first.push(task)
      else waiting.push(task)
      if (inside !== undefined) inside[starts] = isOfLoop
    },
    defer,
    step: () => {
      const next = first.shift()
      if (next !== undefined) {
        next()
        return true
      }
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

/** A run that did not end: a deadlock, or a limit was reached. */
export class Hung extends Error {
  override readonly name = "Hung"
}

/** Runs an effect to its end on this scheduler and a virtual clock. Throws `Hung` if it does not end. */
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
