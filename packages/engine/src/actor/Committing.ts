/**
 * Committing: the last step of a turn makes its decision durable. Turns run ahead of the disk: the decision becomes the
 * head at once, and its answer waits (A2). A commit names the sequence it expects (A4); an unconfirmed one puts the
 * state in doubt (A3).
 */
import type * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as EngineError from "../EngineError.js"
import { failureOf } from "../journal/GroupCommit.js"
import type { AppendOutcome, JournalEntry, JournalFailure } from "../journal/Journal.js"
import { isExit } from "../runtime/EffectRunner.js"
import * as Activation from "./Activation.js"
import * as ActiveActors from "./ActiveActors.js"
import * as Bodies from "./Bodies.js"
import * as Envelope from "./Envelope.js"
import * as Mailbox from "./Mailbox.js"
import { remember } from "./Records.js"
import { answer, answerAfter, type TurnContext, tellRefusal } from "./TurnContext.js"

/** What an accepted command adds to the journal, and its answer. */
export interface Outcome extends JournalEntry {
  /** The state with its body. */
  readonly whole: unknown
  readonly body: Bodies.BodyChange | undefined
  readonly afterSequence: number
  readonly exit: Exit.Exit<unknown, unknown>
}

/**
 * Makes the decision the head and hands it to the journal. Returns the answer, or the envelope that will get it. A
 * synchronous journal needs no batch: the turn ends with its commit.
 */
export const commit = (
  context: TurnContext,
  activation: Activation.Activation,
  command: unknown,
  envelope: Envelope.Envelope | null,
  outcome: Outcome
): Envelope.Answered => {
  const newest = activation.inFlight === null ? null : activation.inFlight.newest
  moveHead(context, activation, outcome)
  if (newest === null && context.commit.journal.immediate)
    return commitNow(context, activation, command, envelope, outcome)
  const inFlight = Activation.inFlightOf(activation)
  const held = envelope ?? Envelope.make(command, activation, 1)
  if (newest !== null && !newest.flying) {
    join(newest, outcome)
    return answerAfter(context, inFlight, newest, held, outcome.exit, true)
  }
  const pending = pendingOf(context, activation, inFlight, outcome, newest)
  answerAfter(context, inFlight, pending, held, outcome.exit, true)
  context.commit.append(pending)
  return held
}

// The next turn starts from here, durable or not.
const moveHead = (
  context: TurnContext,
  activation: Activation.Activation,
  { afterSequence, body, records, whole }: Outcome
): void => {
  activation.state = whole
  activation.sequence = afterSequence
  if (body !== undefined) ActiveActors.noteBody(context.actors, activation, body.note)
  if (records !== undefined) remember(activation, records)
}

// One address is one entry of a batch, however many turns it took meanwhile.
const join = (
  pending: Activation.PendingCommit,
  { alarmMillis, body, events, records, state, whole }: Outcome
): void => {
  pending.events.push(...events)
  pending.state = state
  pending.whole = whole
  pending.body = Bodies.joined(pending.body, body)
  pending.alarmMillis = alarmMillis
  if (records !== undefined) (pending.records ??= []).push(...records)
}

const pendingOf = (
  context: TurnContext,
  activation: Activation.Activation,
  inFlight: Activation.InFlight,
  { address, alarmMillis, body, events, expectedSequence, records, state, whole }: Outcome,
  behind: Activation.PendingCommit | null
): Activation.PendingCommit => {
  const pending: Activation.PendingCommit = {
    address,
    expectedSequence, // A4
    events: [...events],
    state,
    whole,
    body,
    alarmMillis,
    records: records === undefined ? undefined : [...records],
    activation,
    waiters: [],
    flying: false,
    landed: false,
    behind,
    withdrawn: false,
    settle: (result) => {
      settle(context, pending, result)
      context.advance(context, activation)
    }
  }
  inFlight.oldest ??= pending
  inFlight.newest = pending
  return pending
}

// For a journal that answers synchronously; if it does not, this turn alone waits.
const commitNow = (
  context: TurnContext,
  activation: Activation.Activation,
  command: unknown,
  envelope: Envelope.Envelope | null,
  outcome: Outcome
): Envelope.Answered => {
  const appending = append(context, outcome)
  if (isExit(appending) && Exit.isSuccess(appending) && appending.value[0] === "committed") {
    if (outcome.expectedSequence === 0) ActiveActors.keepGuest(context.actors, activation)
    context.onCommitted(activation.address, outcome.events, outcome.whole, outcome.afterSequence)
    return outcome.exit
  }
  const inFlight = Activation.inFlightOf(activation)
  const pending = pendingOf(context, activation, inFlight, outcome, null)
  pending.flying = true
  const held = envelope ?? Envelope.make(command, activation, 1)
  answerAfter(context, inFlight, pending, held, outcome.exit, true)
  if (isExit(appending)) {
    // The caller of this turn advances the mailbox.
    settle(context, pending, outcomeOf(appending))
    return held
  }
  inFlight.busy = true // A1: nothing else of this address runs while its commit is waited for
  context.run(appending, (appended) => {
    inFlight.busy = false
    pending.settle(outcomeOf(appended))
  })
  return held
}

/**
 * Commits an event that no command asked for (Migrating). Nobody waits for it, but later turns depend on it. It always
 * goes through the group commit, which answers on a later stack, so the load that caused it ends first.
 */
export const commitUnasked = (context: TurnContext, activation: Activation.Activation, outcome: Outcome): void => {
  moveHead(context, activation, outcome)
  context.commit.append(pendingOf(context, activation, Activation.inFlightOf(activation), outcome, null))
}

type Appended = ReadonlyArray<AppendOutcome>

const append = (context: TurnContext, entry: JournalEntry): Effect.Effect<Appended, JournalFailure> => {
  try {
    return context.commit.journal.append([entry])
  } catch (defect) {
    return Exit.die(defect)
  }
}

const outcomeOf = (appended: Exit.Exit<Appended, JournalFailure>): AppendOutcome | JournalFailure =>
  Exit.isSuccess(appended) && appended.value.length === 1 ? appended.value[0]! : failureOf(appended)

/**
 * Handles the outcome of a commit. Committed: its answers are released (A2). Conflict: neither it nor what queued
 * behind it was written, so all of it is decided again on fresh state, up to `conflictRetries` times. Failed: commands
 * that wrote get the journal's `applied`; reads and queued commands were certainly not applied. After both the state is
 * in doubt (A3).
 */
const settle = (
  context: TurnContext,
  pending: Activation.PendingCommit,
  result: AppendOutcome | JournalFailure
): void => {
  const { activation } = pending
  const inFlight = Activation.inFlightOf(activation)
  if (result !== "committed") return giveUp(context, pending, inFlight, result)
  inFlight.oldest = inFlight.newest === pending ? null : inFlight.newest
  if (inFlight.oldest === null) inFlight.newest = null
  for (const { envelope, exit } of pending.waiters) {
    if (exit._tag === "Failure") tellRefusal(context, activation.address, envelope.command, exit, pending.whole)
    answer(context, activation, envelope, exit)
  }
  const { events, expectedSequence, whole } = pending
  context.onCommitted(activation.address, events, whole, expectedSequence + events.length)
}

const giveUp = (
  context: TurnContext,
  pending: Activation.PendingCommit,
  inFlight: Activation.InFlight,
  result: "conflict" | JournalFailure
): void => {
  const { activation, waiters } = pending
  const { address } = activation
  const behind = inFlight.newest === pending ? null : inFlight.newest
  if (behind !== null) behind.withdrawn = true
  inFlight.oldest = null
  inFlight.newest = null
  activation.loaded = false // A3
  const isConflict = result === "conflict"
  if (isConflict) {
    inFlight.contended = true
    context.metrics.conflicts += 1
  }
  const again: Array<Envelope.Envelope> = []
  const lost: Array<Activation.Waiter> = []
  for (const waiter of behind === null ? waiters : [...waiters, ...behind.waiters]) {
    if (isConflict && waiter.envelope.turns <= context.commit.config.conflictRetries) again.push(waiter.envelope)
    else lost.push(waiter)
  }
  Mailbox.putBack(inFlight.mailbox, again)
  for (const waiter of lost) {
    const applied = !isConflict && waiter.wrote && waiters.includes(waiter) ? result.applied : "no"
    const [reason, cause] = isConflict ? ["CONFLICT", undefined] : [result.reason, result.cause]
    const error = EngineError.journalUnavailable(address, reason, applied, cause)
    answer(context, activation, waiter.envelope, Exit.fail(context.unavailable(error)))
  }
  context.onDoubt(address)
}
