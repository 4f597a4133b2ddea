/**
 * AsyncContext: runs host code in the async context of its call (what `AsyncLocalStorage` sees), even if it runs later.
 * A waiting turn runs on the stack that freed its address, and Effect resumes fibers in the context of the first
 * scheduler call. Without this module, a port could see the context of another caller.
 *
 * Owns the types. The host's platform captures contexts (`EngineConfig.asyncContext`); by default none is captured.
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

/** Options to start a fiber that runs in the captured context, if there is one. */
export const optionsOf = (
  run: Run | null | undefined,
  runtime: Runtime.Runtime<never>
): { readonly scheduler?: Scheduler.Scheduler } =>
  run === null || run === undefined ? {} : { scheduler: schedulerOf(run, runtime) }

/** Runs an effect in the captured context, if there is one. */
export const within = <A, E>(run: Run | null | undefined, effect: Effect.Effect<A, E>): Effect.Effect<A, E> =>
  run === null || run === undefined
    ? effect
    : Effect.flatMap(Effect.runtime<never>(), (runtime) =>
        // The scheduler takes effect when the fiber is resumed next.
        Effect.withScheduler(Effect.zipRight(Effect.yieldNow(), effect), schedulerOf(run, runtime))
      )
