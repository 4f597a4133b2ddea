/**
 * SeededScheduler: runs fibers one step at a time in an order that a seed decides, on the spot: no microtask, no timer,
 * so a whole run is one synchronous call and always the same one.
 *
 * Three traps of this Effect line shape it. A forced yield at a priority costs the fiber about ten further operations that
 * could be made to yield themselves; one without costs two, so a few between two yields are enough. A concurrent
 * `Effect.forEach` counts on the order of what it schedules: interrupted before its own first task ran, it waits for ever;
 * those tasks keep their order and go first. And whatever goes around Effect (a raw promise, a real timer) breaks
 * repetition: the engine's own deferred work comes through `defer`.
 */
import { Effect, type Exit, type Fiber, Random, type Scheduler } from "effect"
import type { Seeded } from "./Seeded.js"
import * as VirtualClock from "./VirtualClock.js"

/** Fewest operations a fiber makes between two forced yields. */
export const leastOperations = 4

const limit = Symbol("limit")
const starts = Symbol("starts")

/** What is used of a fiber's inside. */
interface Inside {
  readonly currentOpCount: number
  /** Goes on with the fiber; what it schedules for itself. */
  readonly run: () => void
  [limit]?: number
  /** A concurrent loop is about to start or interrupt it. */
  [starts]?: boolean
}

/** A yield at a priority sets a fiber ref and back, which is dearer than a whole turn of the engine; this one does not. */
const withoutPriority = undefined as unknown as number

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
