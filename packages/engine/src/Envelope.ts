/**
 * Envelope: a command on its way, and the slot its answer goes to. An envelope is answered exactly once.
 *
 * Owns: the answer slot and the links of the mailbox it waits in. Does not own: when it is its turn.
 */
import type * as Exit from "effect/Exit"
import type { Activation } from "./Activation.js"
import type { Run } from "./AsyncContext.js"

/** One command under way. The links belong to `Mailbox`. */
export interface Envelope {
  readonly command: unknown
  /** Sent by the engine's own host code (a task result): passes the bounds and is still taken while draining. */
  readonly internal: boolean
  /** Its turn has begun: it can no longer be withdrawn. */
  begun: boolean
  /** Counted as unanswered work. */
  held: boolean
  /** The async context it was sent in; null where it did not have to wait, or nobody cares. */
  context: Run | null
  /** Its turn is taken on a state that was read after it came. */
  fresh: boolean
  /** Turns it took so far; more than one only after another writer was first. */
  turns: number
  /** Where it was sent; null when it was refused at the door. */
  activation: Activation | null
  exit: Exit.Exit<unknown, unknown> | null
  onExit: ((exit: Exit.Exit<unknown, unknown>) => void) | null
  previous: Envelope | null
  next: Envelope | null
  queued: boolean
}

/** Wraps a command. */
export const make = (command: unknown, internal: boolean): Envelope => ({
  command,
  internal,
  begun: false,
  held: false,
  context: null,
  fresh: false,
  turns: 0,
  activation: null,
  exit: null,
  onExit: null,
  previous: null,
  next: null,
  queued: false
})

/** Wraps a command whose turn has begun already. */
export const begun = (command: unknown, activation: Activation): Envelope => {
  const envelope = make(command, false)
  envelope.begun = true
  envelope.turns = 1
  envelope.activation = activation
  return envelope
}

/**
 * Answers the envelope; a second answer is ignored. Whoever listens is let go of: an answered envelope that the collector has
 * moved to its old space would take along all that its listener's fiber makes afterwards.
 */
export const reply = (envelope: Envelope, exit: Exit.Exit<unknown, unknown>): void => {
  if (envelope.exit !== null) return
  const { onExit } = envelope
  envelope.exit = exit
  envelope.onExit = null
  if (onExit !== null) onExit(exit)
}
