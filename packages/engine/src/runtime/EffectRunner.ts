/**
 * EffectRunner: runs effects of ports and journals. An `Exit` is used at once and costs nothing; only an effect that
 * must suspend gets a fiber. Code that throws instead of returning an effect becomes a defect.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Runtime from "effect/Runtime"
import * as AsyncContext from "./AsyncContext.js"

/**
 * Whether an effect is an `Exit`. Not for other unions: it is called several times a turn, and a check that sees many
 * object shapes becomes slow (megamorphic). Other places check `"field" in value` themselves.
 */
export const isExit = <A, E>(effect: Effect.Effect<A, E>): effect is Exit.Exit<A, E> => {
  const tag = (effect as { readonly _tag?: unknown })._tag
  return tag === "Success" || tag === "Failure"
}

/** `Effect.map` that keeps an `Exit` an `Exit`. */
export const mapNow = <A, B, E>(self: Effect.Effect<A, E>, f: (a: A) => B): Effect.Effect<B, E> =>
  isExit(self) ? Exit.map(self, f) : Effect.map(self, f)

/** `Effect.mapError` that keeps an `Exit` an `Exit`. */
export const mapErrorNow = <A, E, E1>(self: Effect.Effect<A, E>, f: (error: E) => E1): Effect.Effect<A, E1> =>
  isExit(self) ? Exit.mapError(self, f) : Effect.mapError(self, f)

/** `Effect.flatMap` that returns an `Exit` if both effects are one. */
export const flatMapNow = <A, B, E, E1>(
  self: Effect.Effect<A, E>,
  f: (a: A) => Effect.Effect<B, E1>
): Effect.Effect<B, E | E1> => {
  if (!isExit(self)) return Effect.flatMap(self, f)
  return Exit.isSuccess(self) ? f(self.value) : Exit.failCause(self.cause)
}

/** `Effect.matchEffect` that returns an `Exit` if all effects are one. */
export const matchNow = <A, E, B, E1, C, E2>(
  self: Effect.Effect<A, E>,
  onFailure: (error: E) => Effect.Effect<C, E2>,
  onSuccess: (a: A) => Effect.Effect<B, E1>
): Effect.Effect<B | C, E1 | E2> => {
  if (!isExit(self)) return Effect.matchEffect(self, { onFailure, onSuccess })
  if (Exit.isSuccess(self)) return onSuccess(self.value)
  const failed = Cause.failureOrCause(self.cause)
  return failed._tag === "Left" ? onFailure(failed.left) : Exit.failCause(failed.right)
}

/** Calls code that should return an effect; an exception becomes a defect. */
export const attempt = <A, E>(make: () => Effect.Effect<A, E>): Effect.Effect<A, E> => {
  try {
    return make()
  } catch (defect) {
    return Exit.die(defect)
  }
}

/** Runs an effect and calls back with its exit; `context`: the async context to run in. */
export type RunEffect = <A, E>(
  effect: Effect.Effect<A, E>,
  onExit: (exit: Exit.Exit<A, E>) => void,
  context?: AsyncContext.Run | null
) => void

/** Runs effects in a runtime: synchronously if possible, else in a fiber. */
export const runWith =
  (runtime: Runtime.Runtime<never>): RunEffect =>
  (effect, onExit, context = null) => {
    if (isExit(effect)) onExit(effect)
    else
      Runtime.runFork(runtime)(
        effect,
        context === null ? undefined : AsyncContext.optionsOf(context, runtime)
      ).addObserver(onExit)
  }
