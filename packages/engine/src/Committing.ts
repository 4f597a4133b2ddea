/**
 * Committing: from a decision to a durable one. Turns run ahead of the disk: the decision is the head at once, and its
 * answer waits (A2). A commit names the sequence it expects (A4); one that is not confirmed puts the state in doubt (A3).
 */
import type * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Activation from "./Activation.js"
import * as EngineError from "./EngineError.js"
import * as Envelope from "./Envelope.js"
import { failureOf } from "./GroupCommit.js"
import type { AppendOutcome, JournalEntry, JournalFailure } from "./Journal.js"
import { answer, answerWhenDurable, hold, type Lanes, rest } from "./Lanes.js"
import * as Mailbox from "./Mailbox.js"
import { remember } from "./Records.js"
import { isExit } from "./Running.js"

/** What an accepted command adds to the journal, and its answer. */
export interface Outcome extends JournalEntry {
  readonly afterSequence: number
  readonly exit: Exit.Exit<unknown, unknown>
}

/** Makes the decision the head, and sends it on its way to the journal. */
export const commit = (
  lanes: Lanes,
  activation: Activation.Activation,
  envelope: Envelope.Envelope,
  outcome: Outcome
): void => {
  const lane = activation.lane
  const { address, alarmMillis, events, exit, expectedSequence, records, state } = outcome
  activation.state = state
  activation.sequence = outcome.afterSequence
  if (records !== undefined) remember(activation, records)
  if (lane !== null && lane.newest !== null && !lane.newest.flying) {
    // Turns run ahead of the disk: one address is one entry of a batch, however many turns it took.
    lane.newest.events.push(...events)
    lane.newest.state = state
    lane.newest.alarmMillis = alarmMillis
    if (records !== undefined) (lane.newest.records ??= []).push(...records)
    return answerWhenDurable(lanes, activation, envelope, exit, true)
  }
  if (lanes.commit.journal.immediate && (lane === null || lane.newest === null))
    return awaitAppend(lanes, activation, envelope, outcome, appendOne(lanes, outcome))
  const pending: Activation.PendingCommit = {
    address,
    expectedSequence, // A4
    events: [...events],
    state,
    alarmMillis,
    records: records === undefined ? undefined : [...records],
    activation,
    waiters: [],
    flying: false,
    landed: false,
    behind: lane === null ? null : lane.newest,
    withdrawn: false,
    settle: (result) => settle(lanes, pending, result)
  }
  const home = Activation.laneOf(activation)
  home.oldest ??= pending
  home.newest = pending
  answerWhenDurable(lanes, activation, envelope, exit, true)
  lanes.commit.append(pending)
}

/** `commit` for an address at rest: the answer, or the envelope it will come to. A journal that answers at once needs no batch: the turn ends with its commit. */
export const commitAtRest = (
  lanes: Lanes,
  activation: Activation.Activation,
  command: unknown,
  outcome: Outcome
): Exit.Exit<unknown, unknown> | Envelope.Envelope => {
  if (!lanes.commit.journal.immediate) {
    const envelope = Envelope.begun(command, activation)
    commit(lanes, activation, envelope, outcome)
    return envelope
  }
  activation.state = outcome.state
  activation.sequence = outcome.afterSequence
  const appending = appendOne(lanes, outcome)
  if (isExit(appending) && Exit.isSuccess(appending) && appending.value[0] === "committed") {
    lanes.onCommitted(activation.address, outcome.events, outcome.state)
    return outcome.exit
  }
  const envelope = Envelope.begun(command, activation)
  awaitAppend(lanes, activation, envelope, outcome, appending)
  rest(lanes, activation)
  return envelope
}

type Appending = Effect.Effect<ReadonlyArray<AppendOutcome>, JournalFailure>

// Without a closure: this is the path of every update in memory.
const appendOne = (lanes: Lanes, entry: JournalEntry): Appending => {
  try {
    return lanes.commit.journal.append([entry])
  } catch (defect) {
    return Exit.die(defect)
  }
}

const awaitAppend = (
  lanes: Lanes,
  activation: Activation.Activation,
  envelope: Envelope.Envelope,
  outcome: Outcome,
  appending: Appending
): void => {
  if (isExit(appending)) return concludeCommit(lanes, activation, envelope, outcome, appending)
  const lane = Activation.laneOf(activation)
  lane.busy = true
  hold(lanes, lane, envelope)
  lanes.run(appending, (appended) => {
    lane.busy = false
    concludeCommit(lanes, activation, envelope, outcome, appended)
    lanes.advance(activation)
  })
}

const concludeCommit = (
  lanes: Lanes,
  activation: Activation.Activation,
  envelope: Envelope.Envelope,
  outcome: Outcome,
  appended: Exit.Exit<ReadonlyArray<AppendOutcome>, JournalFailure>
): void => {
  const result = Exit.isSuccess(appended) ? appended.value[0]! : failureOf(appended)
  if (result !== "committed") return undo(lanes, activation, envelope, result)
  answer(lanes, activation, envelope, outcome.exit)
  lanes.onCommitted(activation.address, outcome.events, outcome.state)
}

const undo = (
  lanes: Lanes,
  activation: Activation.Activation,
  envelope: Envelope.Envelope,
  result: AppendOutcome | JournalFailure
): void => {
  activation.loaded = false // A3
  lanes.onDoubt(activation.address)
  const conflict = typeof result === "string"
  if (conflict && envelope.turns <= lanes.commit.config.conflictRetries) {
    lanes.metrics.conflicts += 1
    const lane = Activation.laneOf(activation)
    lane.contended = true
    hold(lanes, lane, envelope)
    Mailbox.putBack(lane.mailbox, [envelope])
    return lanes.advance(activation)
  }
  const [reason, applied] = conflict ? (["CONFLICT", "no"] as const) : ([result.reason, result.applied] as const)
  const error = EngineError.journalUnavailable(activation.address, reason, applied)
  answer(lanes, activation, envelope, Exit.fail(lanes.unavailable(error)))
}

const settle = (lanes: Lanes, pending: Activation.PendingCommit, result: AppendOutcome | JournalFailure): void => {
  const { activation } = pending
  const { answers, again } = Activation.settle(pending, result, lanes)
  if (result === "conflict") lanes.metrics.conflicts += 1
  for (const { envelope, exit } of answers) answer(lanes, activation, envelope, exit)
  if (result === "committed") lanes.onCommitted(activation.address, pending.events, pending.state)
  else lanes.onDoubt(activation.address)
  if (again.length > 0) Mailbox.putBack(Activation.laneOf(activation).mailbox, again)
  lanes.advance(activation)
}
