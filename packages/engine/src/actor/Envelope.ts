/**
 * Envelope: a command that could not be answered at once, and the slot its answer goes to. It is answered exactly once.
 *
 * Owns: the answer slot and the links of the mailbox it waits in. Does not own: when it is its turn.
 */
import type * as Exit from "effect/Exit"
import type { Run } from "../runtime/AsyncContext.js"
import type { Activation } from "./Activation.js"

/** One command under way. The links belong to `Mailbox`. */
export interface Envelope {
  readonly command: unknown
  readonly activation: Activation
  /** Its turn has begun: it can no longer be withdrawn. */
  begun: boolean
  /** Counted as unanswered work. */
  held: boolean
  /** The async context it was sent in; null where it did not have to wait, or the host does not ask for it. */
  asyncContext: Run | null
  /** Its turn is taken on a state that was read after it came. */
  fresh: boolean
  /** Turns it took so far; more than one only after another writer was first. */
  turns: number
  exit: Exit.Exit<unknown, unknown> | null
  onExit: ((exit: Exit.Exit<unknown, unknown>) => void) | null
  previous: Envelope | null
  next: Envelope | null
  queued: boolean
}

/** What a turn comes to: the answer, or the envelope that gets it. */
export type Answered = Exit.Exit<unknown, unknown> | Envelope

/** Whether there is an envelope; it may be answered already. */
export const isEnvelope = (answered: Answered): answered is Envelope => "turns" in answered

/** Wraps a command that waits for its turn, or whose turn has begun. */
export const make = (command: unknown, activation: Activation, turns = 0): Envelope => ({
  command,
  activation,
  begun: turns > 0,
  held: false,
  asyncContext: null,
  fresh: false,
  turns,
  exit: null,
  onExit: null,
  previous: null,
  next: null,
  queued: false
})

/** Marks the start of a turn. */
export const begin = (envelope: Envelope): void => {
  envelope.begun = true
  envelope.turns += 1
}

/** The envelope of a turn under way that has to wait after all; made when it has none yet. */
export const begun = (command: unknown, activation: Activation, envelope: Envelope | null): Envelope =>
  envelope ?? make(command, activation, 1)

/**
 * Answers the envelope; a second answer is ignored. Drops the listener: an old-generation envelope would otherwise retain
 * everything its waiting fiber allocates later.
 */
export const reply = (envelope: Envelope, exit: Exit.Exit<unknown, unknown>): void => {
  if (envelope.exit !== null) return
  const { onExit } = envelope
  envelope.exit = exit
  envelope.onExit = null
  if (onExit !== null) onExit(exit)
}
