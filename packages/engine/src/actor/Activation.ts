/**
 * Activation: an actor in memory. An idle one is a plain record; its `InFlight` (mailbox, pending commits) exists only
 * while there is something in flight.
 *
 * Invariants, cited by name here and in Turn:
 * - A1 input gate: turns of one address never overlap; `inFlight.busy` is held while one waits on a port or a load.
 * - A2 output gate: an answer that depends on something not yet durable waits for the newest `PendingCommit`.
 * - A3 doubt: when a commit was not confirmed, everything behind it is undone and the state is read again.
 * - A4 fence: a `PendingCommit` names the sequence it expects; the journal refuses any other.
 *
 * Owns the records; does not own running turns (Turn), commits (Committing) or the registry (ActiveActors).
 */
import type * as Exit from "effect/Exit"
import type { Address } from "../Address.js"
import type { CommitEntry } from "../journal/GroupCommit.js"
import type { JournalBody, JournalRecord } from "../journal/Journal.js"
import type { BodyNote } from "./Bodies.js"
import type * as Envelope from "./Envelope.js"
import type * as Mailbox from "./Mailbox.js"

/** One actor in memory. `state` and `sequence` are the head: the next turn starts from it, durable or not. */
export interface Activation {
  readonly address: Address
  state: unknown
  sequence: number
  /** False until the journal was read, and while the state is in doubt (A3). */
  loaded: boolean
  /** All digests recorded for it, including those not yet durable; null: unknown, so each is looked up (Records). */
  digests: ReadonlySet<string> | null
  /** Size and stored status of its body; null: it has none. */
  body: BodyNote | null
  /** The sweep in which it was last used. */
  epoch: number
  inFlight: InFlight | null
}

/** What is in flight for one address. */
export interface InFlight {
  /** A turn or a load holds the address (A1). */
  busy: boolean
  readonly mailbox: Mailbox.Mailbox
  /** Unanswered envelopes, in the mailbox or waiting for a commit. */
  held: number
  /** Bytes of bodies in them. */
  heldBytes: number
  /** How many envelopes are covered by the last load; for shared journals. */
  fresh: number
  /** Another writer was first, so the cached state is dropped when idle. */
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

/** The entry of one address in one batch, and the answers that wait for it. */
export interface PendingCommit extends CommitEntry {
  readonly activation: Activation
  readonly events: Array<unknown>
  state: unknown
  body: JournalBody | undefined
  /** The state with its body. */
  whole: unknown
  alarmMillis: number | null
  records: Array<JournalRecord> | undefined
  readonly waiters: Array<Waiter>
}

/** Creates an actor in memory whose state is not loaded yet. */
export const make = (address: Address, initial: unknown, epoch: number): Activation => ({
  address,
  state: initial,
  sequence: 0,
  loaded: false,
  digests: null,
  body: null,
  epoch,
  inFlight: null
})

/** Returns what is in flight for an activation, creating it if needed. */
export const inFlightOf = (activation: Activation): InFlight => {
  activation.inFlight ??= {
    busy: false,
    mailbox: { first: null, last: null, size: 0 },
    held: 0,
    heldBytes: 0,
    fresh: 0,
    contended: false,
    oldest: null,
    newest: null
  }
  return activation.inFlight
}

/** Whether nothing is in flight, so the actor may be passivated. */
export const isIdle = (activation: Activation): boolean => {
  const { inFlight } = activation
  return inFlight === null || (!inFlight.busy && inFlight.oldest === null && inFlight.mailbox.size === 0)
}
