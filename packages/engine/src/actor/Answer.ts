/**
 * Answer: what a call to an actor returns: an `Exit`, or a `Waiting` that calls back. All APIs share this form: the
 * Effect API turns it into an effect (`toEffect`), Promise and HTTP code uses it directly. No fiber is needed.
 */
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Runtime from "effect/Runtime"
import * as AsyncContext from "../runtime/AsyncContext.js"
import { isExit } from "../runtime/EffectRunner.js"
import type { FairnessValve } from "../runtime/FairnessValve.js"
import type * as Envelope from "./Envelope.js"
import { withdraw } from "./Turn.js"
import type { TurnContext } from "./TurnContext.js"

/** A pending answer. */
export interface Waiting<A, E> {
  /** Calls back once, with the answer. A second listener replaces the first. */
  readonly listen: (onExit: (exit: Exit.Exit<A, E>) => void) => void
  /** Cancels the command: true if it had not started (certainly not applied, no callback). */
  readonly withdraw: () => boolean
  /** True when it can no longer be cancelled: `withdraw` returns false. */
  readonly isBegun: boolean
}

/** An answer, or a pending one. */
export type Answer<A, E> = Exit.Exit<A, E> | Waiting<A, E>

/** Whether an answer is pending. */
export const isWaiting = <A, E>(answer: Answer<A, E>): answer is Waiting<A, E> => "listen" in answer

/**
 * Turns an answer into an effect; run it once. An effect is returned as it is. **Cancellation**: an interrupted effect
 * cancels the command if it had not started, and waits for its end if it had.
 */
export const toEffect = <A, E>(answer: Effect.Effect<A, E> | Waiting<A, E>): Effect.Effect<A, E> =>
  "listen" in answer ? untilAnswered(answer) : answer

/**
 * Turns an effect into an answer. It gets a fiber when `listen` is called, unless it is an `Exit` already. `capture`:
 * captures the async context of this call for the fiber.
 */
export const fromEffect = <A, E>(
  effect: Effect.Effect<A, E> | Waiting<A, E>,
  runtime: Runtime.Runtime<never>,
  capture: AsyncContext.Capture | null = null
): Answer<A, E> => ("listen" in effect || isExit(effect) ? effect : inFiber(effect, runtime, capture))

const untilAnswered = <A, E>(waiting: Waiting<A, E>): Effect.Effect<A, E> => {
  if (waiting.isBegun) return Effect.uninterruptible(Effect.async((resume) => waiting.listen(resume)))
  return Effect.async((resume) => {
    waiting.listen(resume)
    return Effect.suspend(() => (waiting.withdraw() ? Effect.void : untilOver(waiting)))
  })
}

const untilOver = <A, E>(waiting: Waiting<A, E>): Effect.Effect<void> =>
  Effect.async<void>((resume) => waiting.listen(() => resume(Effect.void)))

// Cancelling interrupts the fiber; its exit is still delivered.
const inFiber = <A, E>(
  effect: Effect.Effect<A, E>,
  runtime: Runtime.Runtime<never>,
  capture: AsyncContext.Capture | null
): Waiting<A, E> => {
  const options = AsyncContext.optionsOf(capture?.(), runtime)
  let tell: ((exit: Exit.Exit<A, E>) => void) | null = null
  let cancel = (): void => {}
  return {
    isBegun: false,
    listen: (onExit) => {
      const isFirst = tell === null
      tell = onExit
      if (isFirst) cancel = Runtime.runCallback(runtime)(effect, { onExit: (exit) => tell!(exit), ...options })
    },
    withdraw: () => {
      cancel()
      return false
    }
  }
}

/** Wraps an envelope as a pending answer. */
export const ofEnvelope = (context: TurnContext, envelope: Envelope.Envelope): Waiting<any, any> => ({
  isBegun: envelope.begun,
  listen: (onExit) => {
    if (envelope.exit !== null) onExit(envelope.exit)
    else envelope.onExit = onExit
  },
  withdraw: () => withdraw(context, envelope)
})

/** Delays an answer to the next turn of the event loop. */
export const afterValve = (valve: FairnessValve, exit: Exit.Exit<any, any>): Waiting<any, any> => ({
  isBegun: true,
  listen: (onExit) => valve.later(() => onExit(exit)),
  withdraw: () => false
})
