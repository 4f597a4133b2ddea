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
  /** Bytes of bodies in its command, and at most in its answer; counted while it is held. */
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

/**
 * The result of a turn: the answer, or the envelope that will get it (`"turns" in answered`), which may be answered
 * already.
 */
export type Answered = Exit.Exit<unknown, unknown> | Envelope

/** Wraps a command that has to wait. `turns`: 0 before its turn, 1 if it has begun. */
export const make = (command: unknown, activation: Activation, turns: 0 | 1): Envelope => ({
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
