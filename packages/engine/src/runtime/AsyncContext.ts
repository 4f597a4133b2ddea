/**
 * AsyncContext: how code of a host that runs later than its call still runs in the async context of that call (what
 * `AsyncLocalStorage` sees). A waiting turn runs on the stack that finds its lane free, and Effect resumes fibers in the
 * context of whoever scheduled first; without care a port would see the context of another caller.
 *
 * Owns the words. The host's platform knows the contexts (`EngineConfig.asyncContext`); without it nothing is done.
 */
import * as Effect from "effect/Effect"
import * as FiberRef from "effect/FiberRef"
import * as FiberRefs from "effect/FiberRefs"
import type * as Runtime from "effect/Runtime"
import type * as Scheduler from "effect/Scheduler"

/** Runs code in the async context that was captured. */
export type Run = <A>(task: () => A) => A

/** Captures the async context in which it is called. */
export type Capture = () => Run

/** A scheduler that starts and resumes its fibers in a captured context. */
export const schedulerOf = (run: Run, runtime: Runtime.Runtime<never>): Scheduler.Scheduler => {
  const base = FiberRefs.getOrDefault(runtime.fiberRefs, FiberRef.currentScheduler)
  return {
    shouldYield: (fiber) => base.shouldYield(fiber),
    scheduleTask: (task, priority) => base.scheduleTask(() => run(task), priority)
  }
}

/** How a fiber is started so that all of it runs in the context that was captured, if one was. */
export const optionsOf = (
  run: Run | null | undefined,
  runtime: Runtime.Runtime<never>
): { readonly scheduler?: Scheduler.Scheduler } =>
  run === null || run === undefined ? {} : { scheduler: schedulerOf(run, runtime) }

/** An effect that runs in the context that was captured, if one was, whoever runs it. */
export const within = <A, E>(run: Run | null | undefined, effect: Effect.Effect<A, E>): Effect.Effect<A, E> =>
  run === null || run === undefined
    ? effect
    : Effect.flatMap(Effect.runtime<never>(), (runtime) =>
        // The scheduler counts from the next time the fiber is resumed on.
        Effect.withScheduler(Effect.zipRight(Effect.yieldNow(), effect), schedulerOf(run, runtime))
      )
