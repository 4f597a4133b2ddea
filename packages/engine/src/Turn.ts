/**
 * Turn: run to completion. With a free lane the turn runs on the submitter's stack, and that run is the linearization
 * point; otherwise the envelope waits in the mailbox. A turn is: prepare (ports) → records → decide → evolve → commit → answer.
 *
 * Holds A1 (busy), A2 (answers wait on the newest commit), A3 (load before the next turn), A4 (expected sequence).
 */
import * as Cause from "effect/Cause"
import type * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Activation from "./Activation.js"
import { commit, type Outcome } from "./Committing.js"
import * as Directory from "./Directory.js"
import * as EngineError from "./EngineError.js"
import * as Envelope from "./Envelope.js"
import { failureOf } from "./GroupCommit.js"
import type { JournalFailure, JournalRecord } from "./Journal.js"
import { answer, answerWhenDurable, hold, type Lanes, release, rest } from "./Lanes.js"
import { isCertain, isVouchedTooEarly, loadNow, lookAgain, wake } from "./Loading.js"
import * as Mailbox from "./Mailbox.js"
import { find, nothingRecorded, recordsOf } from "./Records.js"
import { isExit } from "./Running.js"

/** The command that only looks: answered with state and sequence. */
export const readCommand: unique symbol = Symbol("read")

/** Takes an envelope in. It is answered on the spot, or held: `envelope.exit` tells. */
export const submit = (lanes: Lanes, id: string, envelope: Envelope.Envelope): void => {
  const activation = Directory.activationOf(lanes.directory, id)
  const refused = activation === null ? overload(lanes, id, "system") : admission(lanes, activation, envelope)
  if (refused !== null || activation === null) {
    Envelope.reply(envelope, refused!)
    if (activation !== null) rest(lanes, activation)
    return
  }
  envelope.activation = activation
  const lane = activation.lane
  if (
    (lane === null || !lane.busy) &&
    !isVouchedTooEarly(lanes, lane) &&
    (activation.loaded || loadNow(lanes, activation))
  ) {
    takeTurn(lanes, activation, envelope)
    if (envelope.queued) advance(lanes, activation)
    else rest(lanes, activation)
  } else {
    hold(lanes, Activation.laneOf(activation), envelope)
    Mailbox.offer(Activation.laneOf(activation).mailbox, envelope)
    advance(lanes, activation)
  }
}

/** Takes an envelope whose turn has not begun out again; false when it is too late. */
export const withdraw = (lanes: Lanes, envelope: Envelope.Envelope): boolean => {
  const { activation } = envelope
  const lane = activation === null ? null : activation.lane
  if (envelope.begun || activation === null || lane === null || !envelope.queued) return false
  Mailbox.remove(lane.mailbox, envelope)
  if (lane.fresh > 0) lane.fresh -= 1 // at worst one more load
  release(lanes, lane, envelope)
  rest(lanes, activation)
  return true
}

const overload = (lanes: Lanes, id: string, scope: "address" | "system") => {
  lanes.metrics.overloads += 1
  return Exit.fail(lanes.unavailable(EngineError.mailboxFull({ kind: lanes.behavior.kind, id }, scope)))
}

// Back-pressure: one bound per address and one for everything unanswered; both answer at once.
const admission = (lanes: Lanes, activation: Activation.Activation, envelope: Envelope.Envelope) => {
  if (envelope.internal) return null
  if (lanes.draining) return Exit.fail(lanes.unavailable(EngineError.systemDraining(activation.address)))
  const { config, metrics } = lanes.commit
  if (metrics.held >= config.systemCapacity) return overload(lanes, activation.address.id, "system")
  if (activation.lane !== null && activation.lane.held >= config.mailboxCapacity)
    return overload(lanes, activation.address.id, "address")
  return null
}

const takeTurn = (lanes: Lanes, activation: Activation.Activation, envelope: Envelope.Envelope): void => {
  envelope.begun = true
  envelope.turns += 1
  lanes.metrics.turns += 1
  if (envelope.command === readCommand) {
    const { state, sequence } = activation
    return answerUnchanged(lanes, activation, envelope, Exit.succeed({ state, sequence }))
  }
  let prepared: Effect.Effect<unknown, unknown>
  try {
    prepared = lanes.behavior.prepare(activation.state, envelope.command)
  } catch (defect) {
    return answer(lanes, activation, envelope, lanes.supervision.onDefect(activation.address, defect))
  }
  goOn(lanes, activation, envelope, prepared)
}

/** Goes on with a turn whose ports were asked. */
export const goOn = (
  lanes: Lanes,
  activation: Activation.Activation,
  envelope: Envelope.Envelope,
  prepared: Effect.Effect<unknown, unknown>
): void => {
  if (isExit(prepared)) return conclude(lanes, activation, envelope, prepared)
  const lane = Activation.laneOf(activation)
  lane.busy = true // A1: nothing else of this address runs while the port is asked
  hold(lanes, lane, envelope)
  lanes.run(
    prepared,
    (exit) => {
      lane.busy = false
      // A3: what this turn rested on was undone while it asked the port; it is taken again on what is durable.
      if (activation.loaded) conclude(lanes, activation, envelope, exit)
      else Mailbox.putBack(lane.mailbox, [envelope])
      advance(lanes, activation)
    },
    envelope.context
  )
}

const conclude = (
  lanes: Lanes,
  activation: Activation.Activation,
  envelope: Envelope.Envelope,
  prepared: Exit.Exit<unknown, unknown>
): void => {
  if (Exit.isFailure(prepared)) {
    const cause = Cause.failureOrCause(prepared.cause)
    if (cause._tag === "Right")
      return answer(
        lanes,
        activation,
        envelope,
        lanes.supervision.onDefect(activation.address, Cause.squash(cause.right))
      )
    return answerUnchanged(lanes, activation, envelope, prepared)
  }
  const digests = lanes.behavior.digestsOf(envelope.command)
  const recorded = digests.length === 0 ? nothingRecorded : find(lanes, activation, digests)
  goOnRecorded(lanes, activation, envelope, prepared.value, recorded)
}

/** Goes on with a turn whose digests were looked up. */
export const goOnRecorded = (
  lanes: Lanes,
  activation: Activation.Activation,
  envelope: Envelope.Envelope,
  facts: unknown,
  recorded: Effect.Effect<ReadonlyArray<JournalRecord>, JournalFailure>
): void => {
  if (isExit(recorded)) return settleDecision(lanes, activation, envelope, facts, recorded)
  const lane = Activation.laneOf(activation)
  lane.busy = true // A1: nothing else of this address runs while a digest is looked up
  hold(lanes, lane, envelope)
  lanes.run(recorded, (exit) => {
    lane.busy = false
    // A3, as above
    if (activation.loaded) settleDecision(lanes, activation, envelope, facts, exit)
    else Mailbox.putBack(lane.mailbox, [envelope])
    advance(lanes, activation)
  })
}

const settleDecision = (
  lanes: Lanes,
  activation: Activation.Activation,
  envelope: Envelope.Envelope,
  facts: unknown,
  recorded: Exit.Exit<ReadonlyArray<JournalRecord>, JournalFailure>
): void => {
  if (Exit.isFailure(recorded)) {
    const { cause, reason } = failureOf(recorded)
    const error = EngineError.journalUnavailable(activation.address, reason, "no", cause)
    return answer(lanes, activation, envelope, Exit.fail(lanes.unavailable(error)))
  }
  try {
    const outcome = decide(lanes, activation, envelope.command, facts, recorded.value)
    if ("events" in outcome) commit(lanes, activation, envelope, outcome)
    else answerUnchanged(lanes, activation, envelope, outcome)
  } catch (defect) {
    answer(lanes, activation, envelope, lanes.supervision.onDefect(activation.address, defect))
  }
}

/** The verdict: what an accepted command adds, or the answer to one that writes nothing. May throw: nothing has changed then. */
export const decide = (
  lanes: Lanes,
  activation: Activation.Activation,
  command: unknown,
  facts: unknown,
  records: ReadonlyArray<JournalRecord>
): Outcome | Exit.Exit<unknown, unknown> => {
  const { behavior } = lanes
  const { state, sequence } = activation
  const decided = behavior.decide(state, command, lanes.knowledge.of(sequence, facts, records))
  if (!("events" in decided)) return decided
  const { digests, events, reply } = decided
  if (events.length === 0) return Exit.succeed(reply(state, sequence))
  let after: unknown = state
  for (let index = 0; index < events.length; index++) after = behavior.evolve(after, events[index])
  const afterSequence = sequence + events.length
  // Everything a behavior computes is computed before anything changes: a defect leaves the turn undone.
  const alarmMillis = behavior.alarm(after)
  const exit = Exit.succeed(reply(after, afterSequence))
  lanes.metrics.accepted += 1
  return {
    address: activation.address,
    expectedSequence: sequence, // A4
    events,
    state: after,
    alarmMillis,
    records:
      digests === undefined || digests.length === 0 ? undefined : recordsOf(digests, afterSequence, events, after),
    afterSequence,
    exit
  }
}

// The command wrote nothing: its answer must rest on what is certain.
const answerUnchanged = (
  lanes: Lanes,
  activation: Activation.Activation,
  envelope: Envelope.Envelope,
  exit: Exit.Exit<unknown, unknown>
): void => {
  if (!isCertain(lanes, activation, envelope)) return lookAgain(lanes, activation, envelope)
  if (Exit.isFailure(exit)) lanes.metrics.refused += 1
  answerWhenDurable(lanes, activation, envelope, exit, false)
}

/** Gives the lane to whoever waits, until a turn suspends or nobody is left. */
export const advance = (lanes: Lanes, activation: Activation.Activation): void => {
  const lane = activation.lane
  if (lane === null || lane.busy) return
  while (!lane.busy && lane.mailbox.size > 0 && !isVouchedTooEarly(lanes, lane)) {
    if (!activation.loaded && !loadNow(lanes, activation)) return wake(lanes, activation, lane)
    const envelope = Mailbox.take(lane.mailbox)!
    envelope.fresh = lane.fresh > 0
    if (lane.fresh > 0) lane.fresh -= 1
    // This is the stack of whoever found the lane free; the ports answer the call that waits.
    if (envelope.context === null) takeTurn(lanes, activation, envelope)
    else envelope.context(() => takeTurn(lanes, activation, envelope))
  }
  rest(lanes, activation)
}
