/**
 * Activation: one live incarnation of an address. At rest it is a plain record; a lane (mailbox, what waits for the disk)
 * exists only while something is in flight.
 *
 * Invariants, cited by name here and in Turn:
 * - A1 input gate: turns of one address never overlap; `lane.busy` is held while one waits on a port or a load.
 * - A2 output gate: an answer that rests on something not yet durable waits on the newest `PendingCommit`.
 * - A3 doubt: when a commit was not confirmed, everything behind it is undone and the state is read again.
 * - A4 fence: a `PendingCommit` names the sequence it expects; the journal refuses any other.
 *
 * Owns the records and the output gate; does not own running turns (Turn) nor who is awake (Directory).
 */
import * as Exit from "effect/Exit"
import type { Address } from "./Address.js"
import * as EngineError from "./EngineError.js"
import type * as Envelope from "./Envelope.js"
import type { CommitEntry } from "./GroupCommit.js"
import type { AppendOutcome, JournalFailure, JournalRecord } from "./Journal.js"
import * as Mailbox from "./Mailbox.js"

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
  lane: Lane | null
}

/** What is in flight for one address. */
export interface Lane {
  /** A turn or a load holds the lane (A1). */
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
  lane: null
})

/** The lane of an activation, made when there is none. */
export const laneOf = (activation: Activation): Lane => {
  activation.lane ??= {
    busy: false,
    mailbox: Mailbox.make(),
    held: 0,
    fresh: 0,
    contended: false,
    oldest: null,
    newest: null
  }
  return activation.lane
}

/** Whether nothing is in flight, so that the activation may rest or be put to sleep. */
export const isIdle = (activation: Activation): boolean => {
  const lane = activation.lane
  return lane === null || (!lane.busy && lane.oldest === null && lane.mailbox.size === 0)
}

/** How a settled commit is told. */
export interface SettleRules {
  readonly commit: { readonly config: { readonly conflictRetries: number } }
  readonly unavailable: (error: EngineError.EngineError) => unknown
}

/** What settling a commit gives back: envelopes to decide again, and envelopes that are answered now. */
export interface Settled {
  readonly answers: Array<{ readonly envelope: Envelope.Envelope; readonly exit: Exit.Exit<unknown, unknown> }>
  readonly again: Array<Envelope.Envelope>
}

/**
 * Takes a commit's outcome in. Committed: its answers leave (A2). Conflict: nothing of it or of what queued behind it was
 * written, so all of it is decided again on fresh state, within `conflictRetries`. Failed: what wrote is told what the
 * journal knows, what only looked or queued behind was certainly not applied. After both the state is in doubt (A3).
 */
export const settle = (pending: PendingCommit, result: AppendOutcome | JournalFailure, rules: SettleRules): Settled => {
  const { activation } = pending
  const lane = laneOf(activation)
  const settled: Settled = { answers: [], again: [] }
  if (result === "committed") {
    lane.oldest = lane.newest === pending ? null : lane.newest
    if (lane.oldest === null) lane.newest = null
    for (const { envelope, exit } of pending.waiters) settled.answers.push({ envelope, exit })
    return settled
  }
  const behind = lane.newest !== pending && lane.newest !== null ? lane.newest : null
  if (behind !== null) behind.withdrawn = true
  lane.oldest = null
  lane.newest = null
  activation.loaded = false // A3
  if (result === "conflict") lane.contended = true
  for (const waiter of behind === null ? pending.waiters : [...pending.waiters, ...behind.waiters]) {
    if (result === "conflict" && waiter.envelope.turns <= rules.commit.config.conflictRetries) {
      settled.again.push(waiter.envelope)
      continue
    }
    const unknown = result !== "conflict" && waiter.wrote && pending.waiters.includes(waiter)
    const error = EngineError.journalUnavailable(
      activation.address,
      result === "conflict" ? "CONFLICT" : result.reason,
      unknown ? result.applied : "no",
      result === "conflict" ? undefined : result.cause
    )
    settled.answers.push({ envelope: waiter.envelope, exit: Exit.fail(rules.unavailable(error)) })
  }
  return settled
}
