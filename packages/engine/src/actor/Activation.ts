/**
 * Activation: one live incarnation of an address. At rest it is a plain record; what is in flight (mailbox, commits under way)
 * exists only while something is.
 *
 * Invariants, cited by name here and in Turn:
 * - A1 input gate: turns of one address never overlap; `inFlight.busy` is held while one waits on a port or a load.
 * - A2 output gate: an answer that rests on something not yet durable waits on the newest `PendingCommit`.
 * - A3 doubt: when a commit was not confirmed, everything behind it is undone and the state is read again.
 * - A4 fence: a `PendingCommit` names the sequence it expects; the journal refuses any other.
 *
 * Owns the records; does not own running turns (Turn), commits (Committing) nor who is awake (ActiveActors).
 */
import type * as Exit from "effect/Exit"
import type { Address } from "../Address.js"
import type { CommitEntry } from "../journal/GroupCommit.js"
import type { JournalRecord } from "../journal/Journal.js"
import type * as Envelope from "./Envelope.js"
import type * as Mailbox from "./Mailbox.js"

/** One awake address. `state` and `sequence` are the head: what the next turn works on, durable or not. */
export interface Activation {
  readonly address: Address
  state: unknown
  sequence: number
  /** False until the journal was read, and again after a doubt (A3). */
  loaded: boolean
  /** All digests recorded for it, those not yet durable included; null: not known, each is looked up (Records). */
  digests: ReadonlySet<string> | null
  /** The sweep in which it was last used. */
  epoch: number
  inFlight: InFlight | null
}

/** What is in flight for one address. */
export interface InFlight {
  /** A turn or a load holds the address (A1). */
  busy: boolean
  readonly mailbox: Mailbox.Mailbox
  /** Unanswered envelopes, in the mailbox or waiting for the disk. */
  held: number
  /** How many envelopes the last load answers for, where others write the journal too. */
  fresh: number
  /** Another writer was first: what is remembered here is not worth keeping. */
  contended: boolean
  oldest: PendingCommit | null
  newest: PendingCommit | null
}

/** An answer that waits for a commit. `wrote`: the commit holds events of this very command. */
export interface Waiter {
  readonly envelope: Envelope.Envelope
  readonly exit: Exit.Exit<unknown, unknown>
  readonly wrote: boolean
}

/** What one address adds to one batch, and the answers that rest on it. */
export interface PendingCommit extends CommitEntry {
  readonly activation: Activation
  readonly events: Array<unknown>
  state: unknown
  alarmMillis: number | null
  records: Array<JournalRecord> | undefined
  readonly waiters: Array<Waiter>
}

/** A sleeping address, about to be read. */
export const make = (address: Address, initial: unknown, epoch: number): Activation => ({
  address,
  state: initial,
  sequence: 0,
  loaded: false,
  digests: null,
  epoch,
  inFlight: null
})

/** What is in flight for an activation, made when there is none. */
export const inFlightOf = (activation: Activation): InFlight => {
  activation.inFlight ??= {
    busy: false,
    mailbox: { first: null, last: null, size: 0 },
    held: 0,
    fresh: 0,
    contended: false,
    oldest: null,
    newest: null
  }
  return activation.inFlight
}

/** Whether nothing is in flight, so that the activation may be put to sleep. */
export const isIdle = (activation: Activation): boolean => {
  const { inFlight } = activation
  return inFlight === null || (!inFlight.busy && inFlight.oldest === null && inFlight.mailbox.size === 0)
}
