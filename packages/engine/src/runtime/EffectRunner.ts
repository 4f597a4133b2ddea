/**
 * EffectRunner: how the engine runs effects of others. One that is an answer already (an `Exit`) is taken on the spot and costs
 * nothing; only one that must suspend gets a fiber. Code that throws instead of returning an effect becomes a defect.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Runtime from "effect/Runtime"
import * as AsyncContext from "./AsyncContext.js"

/**
 * Whether an effect is an answer already. Not for other unions: it is asked several times a turn, and what is asked of many
 * shapes of objects is looked up by name each time. `"field" in value` is each place's own.
 */
export const isExit = <A, E>(effect: Effect.Effect<A, E>): effect is Exit.Exit<A, E> => {
  const tag = (effect as { readonly _tag?: unknown })._tag
  return tag === "Success" || tag === "Failure"
}

/** `Effect.map` that keeps an answer an answer. */
export const mapNow = <A, B, E>(self: Effect.Effect<A, E>, f: (a: A) => B): Effect.Effect<B, E> =>
  isExit(self) ? Exit.map(self, f) : Effect.map(self, f)

/** `Effect.flatMap` to an answer that keeps an answer an answer. */
export const flatMapNow = <A, B, E, E1>(
  self: Effect.Effect<A, E>,
  f: (a: A) => Exit.Exit<B, E1>
): Effect.Effect<B, E | E1> => (isExit(self) ? Exit.flatMap(self, f) : Effect.flatMap(self, f))

/** Calls code that should return an effect; what it throws becomes that effect's defect. */
export const attempt = <A, E>(make: () => Effect.Effect<A, E>): Effect.Effect<A, E> => {
  try {
    return make()
  } catch (defect) {
    return Exit.die(defect)
  }
}

/** Runs an effect and hands its exit over; `context`: all of it runs in that async context. */
export type RunEffect = <A, E>(
  effect: Effect.Effect<A, E>,
  onExit: (exit: Exit.Exit<A, E>) => void,
  context?: AsyncContext.Run | null
) => void

/** Runs effects in a runtime: on the spot where possible, else in a fiber of their own. */
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
