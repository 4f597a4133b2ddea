/**
 * Turn: one command of one address, run to completion. The steps, in order, top to bottom in this file:
 *
 *   admit → load → prepare (ports) → records → decide → commit → answer
 *
 * If the address is free, a turn runs on the caller's stack; that run is the linearization point. If every step
 * finishes synchronously, the turn returns the answer and allocates nothing else. A step that has to wait creates an
 * envelope, and the turn continues from there later. Both use the same functions.
 *
 * Holds A1 (`busy`), A2 (answers wait on the newest commit), A3 (load before the next turn), A4 (expected sequence).
 * Does not own: how a commit ends (Committing), where a state comes from (Loading).
 */
import * as Cause from "effect/Cause"
import type * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as EngineError from "../EngineError.js"
import { failureOf } from "../journal/GroupCommit.js"
import type { JournalFailure, JournalRecord } from "../journal/Journal.js"
import { isExit } from "../runtime/EffectRunner.js"
import * as Activation from "./Activation.js"
import * as ActiveActors from "./ActiveActors.js"
import * as Bodies from "./Bodies.js"
import { commit, type Outcome } from "./Committing.js"
import * as Envelope from "./Envelope.js"
import { isCertain, load, loadNow, mustWaitForCommit, reloadAndRetry } from "./Loading.js"
import * as Mailbox from "./Mailbox.js"
import { find, noRecords, nothingRecorded, recordsOf } from "./Records.js"
import {
  answer,
  answerWhenDurable,
  hold,
  readCommand,
  release,
  releaseIfIdle,
  type TurnContext,
  tellRefusal
} from "./TurnContext.js"

/**
 * Accepts a command. Returns the answer, or the envelope that will get it. `internal`: sent by the engine itself, so it
 * is not limited and still accepted while draining. `found`: the actor, if the caller has it already.
 */
export const submit = (
  context: TurnContext,
  id: string,
  command: unknown,
  internal: boolean,
  found: Activation.Activation | undefined
): Envelope.Answered => {
  const activation = found ?? ActiveActors.activationOf(context.actors, id)
  if (activation === null) return overload(context, id, "system")
  activation.epoch = context.actors.epoch
  if (context.actors.guest === activation) context.actors.guest = null // its turn may read or write another actor
  const refused = internal ? null : admit(context, activation)
  const isFree = refused === null && mayBegin(context, activation)
  const answered =
    refused ?? (isFree ? take(context, activation, command, null) : enqueue(context, activation, command))
  // An idle address has nothing to advance; one that was never written is not kept.
  if (activation.inFlight !== null) advance(context, activation)
  else if (activation.sequence === 0) releaseIfIdle(context, activation)
  return answered
}

/** Returns the durable state of an idle address; undefined if something is in flight or has to be waited for. */
export const peek = (context: TurnContext, id: string): unknown => {
  if (!context.commit.journal.exclusive || context.draining) return undefined
  const activation = ActiveActors.activationOf(context.actors, id)
  if (activation === null || activation.inFlight !== null || !mayBegin(context, activation)) return undefined
  if (activation.inFlight !== null) return undefined // the load's migration is not durable yet
  if (activation.sequence === 0) ActiveActors.keepGuest(context.actors, activation)
  return activation.state
}

/** Cancels an envelope whose turn has not begun; false if it is too late. */
export const withdraw = (context: TurnContext, envelope: Envelope.Envelope): boolean => {
  const { activation } = envelope
  const { inFlight } = activation
  if (envelope.begun || inFlight === null || !envelope.queued) return false
  Mailbox.remove(inFlight.mailbox, envelope)
  if (inFlight.fresh > 0) inFlight.fresh -= 1 // at worst one more load
  release(context, inFlight, envelope)
  releaseIfIdle(context, activation)
  return true
}

const overload = (context: TurnContext, id: string, scope: "address" | "system"): Exit.Exit<never, unknown> => {
  context.metrics.overloads += 1
  return Exit.fail(context.unavailable(EngineError.mailboxFull({ kind: context.behavior.kind, id }, scope)))
}

// Step "admit". Back-pressure: one limit per address and one for the system; both refuse at once.
const admit = (
  context: TurnContext,
  { address, inFlight }: Activation.Activation
): Exit.Exit<never, unknown> | null => {
  if (context.draining) return Exit.fail(context.unavailable(EngineError.systemDraining(address)))
  const { config, metrics } = context.commit
  if (metrics.held >= config.systemCapacity || metrics.heldBytes >= config.systemBytes)
    return overload(context, address.id, "system")
  if (inFlight !== null && (inFlight.held >= config.mailboxCapacity || inFlight.heldBytes >= config.mailboxBytes))
    return overload(context, address.id, "address")
  return null
}

// Step "load". Whether a turn may begin now: the address is free, and its state is known or read synchronously.
const mayBegin = (context: TurnContext, activation: Activation.Activation): boolean => {
  const { inFlight } = activation
  if (inFlight !== null && (inFlight.busy || mustWaitForCommit(context, inFlight))) return false
  return activation.loaded || loadNow(context, activation)
}

const enqueue = (context: TurnContext, activation: Activation.Activation, command: unknown): Envelope.Envelope => {
  const inFlight = Activation.inFlightOf(activation)
  const envelope = Envelope.make(command, activation, 0)
  hold(context, inFlight, envelope)
  Mailbox.offer(inFlight.mailbox, envelope)
  return envelope
}

/** Runs the turns of waiting commands until one suspends or none is left. */
export const advance = (context: TurnContext, activation: Activation.Activation): void => {
  const { inFlight } = activation
  if (inFlight === null || inFlight.busy) return
  while (!inFlight.busy && inFlight.mailbox.size > 0 && !mustWaitForCommit(context, inFlight)) {
    if (!activation.loaded && !loadNow(context, activation)) return load(context, activation, inFlight)
    const envelope = Mailbox.take(inFlight.mailbox)!
    envelope.fresh = inFlight.fresh > 0
    if (inFlight.fresh > 0) inFlight.fresh -= 1
    // Runs on another caller's stack: ports must see the async context of the waiting call.
    if (envelope.asyncContext === null) takeNext(context, activation, envelope)
    else envelope.asyncContext(() => takeNext(context, activation, envelope))
  }
  releaseIfIdle(context, activation)
}

const takeNext = (context: TurnContext, activation: Activation.Activation, envelope: Envelope.Envelope): void =>
  finishTurn(context, activation, envelope, take(context, activation, envelope.command, envelope))

// Step "prepare": asks the ports. `envelope` is null as long as the turn did not have to wait; so in all steps below.
const take = (
  context: TurnContext,
  activation: Activation.Activation,
  command: unknown,
  envelope: Envelope.Envelope | null
): Envelope.Answered => {
  context.metrics.turns += 1
  if (envelope !== null) {
    envelope.begun = true
    envelope.turns += 1
  }
  if (command === readCommand) {
    const { state, sequence } = activation
    return answerUnchanged(context, activation, command, envelope, Exit.succeed({ state, sequence }))
  }
  let prepared: Effect.Effect<unknown, unknown>
  try {
    prepared = context.behavior.prepare(activation.state, command)
  } catch (defect) {
    prepared = Exit.die(defect)
  }
  if (isExit(prepared)) return afterPrepare(context, activation, command, envelope, prepared)
  return suspend(context, activation, envelope ?? Envelope.make(command, activation, 1), prepared, (held, exit) =>
    afterPrepare(context, activation, command, held, exit)
  )
}

// Step "records": looks the command's digests up.
const afterPrepare = (
  context: TurnContext,
  activation: Activation.Activation,
  command: unknown,
  envelope: Envelope.Envelope | null,
  prepared: Exit.Exit<unknown, unknown>
): Envelope.Answered => {
  if (Exit.isFailure(prepared)) {
    const cause = Cause.failureOrCause(prepared.cause)
    return cause._tag === "Right"
      ? context.supervision.onDefect(activation.address, Cause.squash(cause.right))
      : answerUnchanged(context, activation, command, envelope, prepared)
  }
  const facts = prepared.value
  const digests = context.behavior.digestsOf(activation.state, command)
  if (digests.length === 0) return afterRecords(context, activation, command, envelope, facts, nothingRecorded)
  const recorded = find(context, activation, digests)
  if (isExit(recorded)) return afterRecords(context, activation, command, envelope, facts, recorded)
  return suspend(context, activation, envelope ?? Envelope.make(command, activation, 1), recorded, (held, exit) =>
    afterRecords(context, activation, command, held, facts, exit)
  )
}

// Step "decide", and on to "commit" where the command was accepted.
const afterRecords = (
  context: TurnContext,
  activation: Activation.Activation,
  command: unknown,
  envelope: Envelope.Envelope | null,
  facts: unknown,
  recorded: Exit.Exit<ReadonlyArray<JournalRecord>, JournalFailure>
): Envelope.Answered => {
  if (Exit.isFailure(recorded)) {
    const { cause, reason } = failureOf(recorded)
    return Exit.fail(context.unavailable(EngineError.journalUnavailable(activation.address, reason, "no", cause)))
  }
  if (recorded.value !== noRecords && isBehind(activation, recorded.value))
    return reloadAndRetry(context, activation, envelope ?? Envelope.make(command, activation, 1))
  let outcome: Outcome | Exit.Exit<unknown, unknown>
  try {
    outcome = decide(context, activation, command, facts, recorded.value)
  } catch (defect) {
    return context.supervision.onDefect(activation.address, defect)
  }
  return "events" in outcome
    ? commit(context, activation, command, envelope, outcome)
    : answerUnchanged(context, activation, command, envelope, outcome)
}

// A3: a record newer than the state belongs to a commit with an unknown outcome that arrived after the state was read.
// If a commit is in flight, the answer waits for it, and the fence will refuse it.
const isBehind = ({ inFlight, sequence }: Activation.Activation, records: ReadonlyArray<JournalRecord>): boolean =>
  (inFlight === null || inFlight.newest === null) && records.some((record) => record.sequence > sequence)

// Returns what an accepted command adds, or the answer if nothing is written. May throw before anything has changed.
const decide = (
  context: TurnContext,
  activation: Activation.Activation,
  command: unknown,
  facts: unknown,
  records: ReadonlyArray<JournalRecord>
): Outcome | Exit.Exit<unknown, unknown> => {
  const { behavior } = context
  const { state, sequence } = activation
  const decided = behavior.decide(state, command, context.input.of(sequence, facts, records))
  if (!("events" in decided)) return decided
  const { digests, events, reply } = decided
  if (events.length === 0) return Exit.succeed(reply(state, sequence))
  let after: unknown = state
  for (let index = 0; index < events.length; index++) after = behavior.evolve(after, events[index])
  const afterSequence = sequence + events.length
  // All behavior code runs before anything changes, so a defect leaves no trace.
  const alarmMillis = behavior.alarm(after)
  const stored = Bodies.stored(context, activation, after, events, afterSequence)
  const exit = Exit.succeed(reply(after, afterSequence))
  context.metrics.accepted += 1
  return {
    address: activation.address,
    expectedSequence: sequence, // A4
    events,
    state: stored.state,
    whole: after,
    body: stored.body,
    alarmMillis,
    records:
      digests === undefined || digests.length === 0 ? undefined : recordsOf(digests, afterSequence, events, after),
    afterSequence,
    exit
  }
}

// Step "answer" for a command that wrote nothing: its state must be certain.
const answerUnchanged = (
  context: TurnContext,
  activation: Activation.Activation,
  command: unknown,
  envelope: Envelope.Envelope | null,
  exit: Exit.Exit<unknown, unknown>
): Envelope.Answered => {
  if (!isCertain(context, activation, envelope))
    return reloadAndRetry(context, activation, envelope ?? Envelope.make(command, activation, 1))
  if (Exit.isFailure(exit)) {
    context.metrics.refused += 1
    // A refusal that depends on a commit is reported when that commit is durable (Committing).
    if (activation.inFlight === null || activation.inFlight.newest === null)
      tellRefusal(context, activation.address, command, exit, activation.state)
  }
  return answerWhenDurable(context, activation, command, envelope, exit, false)
}

// Ends a turn whose caller waits for an envelope.
const finishTurn = (
  context: TurnContext,
  activation: Activation.Activation,
  envelope: Envelope.Envelope,
  answered: Envelope.Answered
): void => {
  if (!("turns" in answered)) answer(context, activation, envelope, answered)
}

// A turn that has to wait holds its address meanwhile, then continues.
const suspend = <A, E>(
  context: TurnContext,
  activation: Activation.Activation,
  envelope: Envelope.Envelope,
  awaited: Effect.Effect<A, E>,
  proceed: (envelope: Envelope.Envelope, exit: Exit.Exit<A, E>) => Envelope.Answered
): Envelope.Envelope => {
  const inFlight = Activation.inFlightOf(activation)
  inFlight.busy = true // A1: nothing else of this address runs while the turn waits
  hold(context, inFlight, envelope)
  const resume = (exit: Exit.Exit<A, E>): void => {
    inFlight.busy = false
    // A3: the state of this turn was undone while it waited, so the turn is repeated on the durable state.
    if (activation.loaded) finishTurn(context, activation, envelope, proceed(envelope, exit))
    else Mailbox.putBack(inFlight.mailbox, [envelope])
    advance(context, activation)
  }
  context.run(awaited, resume, envelope.asyncContext)
  return envelope
}
