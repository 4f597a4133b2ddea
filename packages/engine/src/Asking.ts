/**
 * Asking: from a call to its answer. A command is sent on the caller's stack; the answer is there when it returns, or is
 * waited for. Holds the fairness valve: an answer may have to wait for the next turn of the event loop.
 */
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type { Activation } from "./Activation.js"
import { findAtRest, turnAtRest } from "./AtRest.js"
import * as Envelope from "./Envelope.js"
import type { FairnessValve } from "./FairnessValve.js"
import type { Lanes } from "./Lanes.js"
import { submit, withdraw } from "./Turn.js"

/** What a call goes through. */
export interface Asked {
  readonly lanes: Lanes
  readonly valve: FairnessValve
}

/** An answer that is still to come. Listen once. */
export interface Waiting<A, E> {
  readonly listen: (onExit: (exit: Exit.Exit<A, E>) => void) => void
  /** Takes the command back: true when it was certainly not applied and nobody will be called, false when the answer comes. */
  readonly withdraw: () => boolean
}

// Reply types are erased inside; the behavior they came from gives them back their type at the door.
type Answer = Exit.Exit<any, any>

// One without an exit is still to be answered.
const send = (
  { lanes }: Asked,
  id: string,
  command: unknown,
  internal: boolean,
  found: Activation | undefined
): Answer | Envelope.Envelope => {
  const activation = internal ? null : findAtRest(lanes, id, found)
  if (activation !== null) return turnAtRest(lanes, activation, command)
  const envelope = Envelope.make(command, internal)
  submit(lanes, id, envelope)
  return envelope
}

/** Asks, for an effect. */
export const ask = (
  asked: Asked,
  id: string,
  command: unknown,
  internal: boolean,
  found?: Activation
): Effect.Effect<any, any> => {
  const sent = send(asked, id, command, internal, found)
  const exit = "exit" in sent ? sent.exit : sent
  if (exit !== null) return asked.valve.pass() ? exit : later(asked, exit)
  return untilExit(asked, sent as Envelope.Envelope)
}

/** Asks, for a door without fibers. */
export const askNow = (asked: Asked, id: string, command: unknown, found?: Activation): Answer | Waiting<any, any> => {
  const sent = send(asked, id, command, false, found)
  const exit = "exit" in sent ? sent.exit : sent
  if (exit === null) return waiting(asked, sent as Envelope.Envelope)
  return asked.valve.pass() ? exit : afterValve(asked, exit)
}

// Apart from `askNow`: a closure in there would cost every call its context.
const afterValve = ({ valve }: Asked, exit: Answer): Waiting<any, any> => ({
  listen: (onExit) => valve.later(() => onExit(exit)),
  withdraw: () => false
})

const waiting = (asked: Asked, envelope: Envelope.Envelope): Waiting<any, any> => ({
  listen: (onExit) => listen(envelope, onExit),
  withdraw: () => withdraw(asked.lanes, envelope)
})

const later = ({ valve }: Asked, exit: Answer): Effect.Effect<any, any> =>
  Effect.uninterruptible(Effect.async((resume) => valve.later(() => resume(exit))))

const untilExit = (asked: Asked, envelope: Envelope.Envelope): Effect.Effect<any, any> => {
  if (envelope.begun) return Effect.uninterruptible(Effect.async((resume) => listen(envelope, resume)))
  return Effect.async((resume) => {
    listen(envelope, resume)
    return Effect.suspend(() => (withdraw(asked.lanes, envelope) ? Effect.void : untilAnswered(envelope)))
  })
}

const listen = (envelope: Envelope.Envelope, resume: (exit: Answer) => void): void => {
  if (envelope.exit !== null) resume(envelope.exit)
  else envelope.onExit = resume
}

const untilAnswered = (envelope: Envelope.Envelope): Effect.Effect<void> =>
  Effect.async<void>((resume) => listen(envelope, () => resume(Effect.void)))
