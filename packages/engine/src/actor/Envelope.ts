/**
 * Envelope: a command that has to wait, and the slot for its answer. It is answered exactly once.
 *
 * Owns: the answer slot and the links of the mailbox it waits in. Does not own: when its turn comes.
 */
import type * as Exit from "effect/Exit"
import type { Run } from "../runtime/AsyncContext.js"
import type { Activation } from "./Activation.js"

/** One waiting command. The links belong to `Mailbox`. */
export interface Envelope {
  readonly command: unknown
  readonly activation: Activation
  /** Its turn has begun, so it can no longer be cancelled. */
  begun: boolean
  /** Counted as unanswered work. */
  held: boolean
  /** What its command holds of a body, and its answer may, bytes; counted while it is held. */
  bytes: number
  /** The async context it was sent in; null if it did not wait, or the host does not need it. */
  asyncContext: Run | null
  /** Its turn uses a state that was read after it arrived. */
  fresh: boolean
  /** Turns it took so far; more than one only after a conflict. */
  turns: number
  exit: Exit.Exit<unknown, unknown> | null
  onExit: ((exit: Exit.Exit<unknown, unknown>) => void) | null
  previous: Envelope | null
  next: Envelope | null
  queued: boolean
}

/** The result of a turn: the answer, or the envelope that will get it. */
export type Answered = Exit.Exit<unknown, unknown> | Envelope

/** Whether it is an envelope, which may be answered already. */
export const isEnvelope = (answered: Answered): answered is Envelope => "turns" in answered

/** Wraps a command that waits for its turn; with `turns` one whose turn has begun. */
export const make = (command: unknown, activation: Activation, turns = 0): Envelope => ({
  command,
  activation,
  begun: turns > 0,
  held: false,
  bytes: 0,
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

/** Returns the envelope of a turn that has to wait, creating it if needed. */
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
