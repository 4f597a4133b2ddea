/**
 * Turn: run to completion. With a free lane the turn runs on the submitter's stack, and that run is the linearization
 * point; otherwise the envelope waits in the mailbox. A turn is: prepare (ports) → decide → evolve → commit → answer.
 *
 * Holds A1 (busy), A2 (answers wait on the newest commit), A3 (load before the next turn), A4 (expected sequence).
 */
import { Cause, type Effect, Either, Exit } from "effect"
import * as Activation from "./Activation.js"
import type { Address } from "./Address.js"
import type { Behavior } from "./Behavior.js"
import * as Directory from "./Directory.js"
import * as EngineError from "./EngineError.js"
import type { EngineMetrics } from "./EngineMetrics.js"
import * as Envelope from "./Envelope.js"
import { failureOf, type GroupCommitShape, isExit } from "./GroupCommit.js"
import type { AppendOutcome, JournalEntry, JournalFailure, JournalRow } from "./Journal.js"
import * as Mailbox from "./Mailbox.js"
import type { Supervision } from "./Supervision.js"

/** The parts a turn works with. The behavior's types are erased here; `ActorSystem` is the typed door. */
export interface Lanes {
  readonly behavior: Behavior<any, any, any, any, any, any>
  readonly directory: Directory.Directory
  readonly commit: GroupCommitShape
  readonly supervision: Supervision
  readonly metrics: EngineMetrics
  readonly nowMillis: () => number
  readonly run: <A, E>(effect: Effect.Effect<A, E>, onExit: (exit: Exit.Exit<A, E>) => void) => void
  /** Told of every durable change, after it is durable. */
  readonly onCommitted: (address: Address, events: ReadonlyArray<unknown>, state: unknown) => void
  /** How the engine's own answers are said in the behavior's words. */
  readonly unavailable: (error: EngineError.EngineError) => unknown
  draining: boolean
}

/** The command that only looks: answered with state and sequence. */
export const readCommand: unique symbol = Symbol("read")

/** Takes an envelope in. It is answered on the spot, or held: `envelope.exit` tells. */
export const submit = (lanes: Lanes, id: string, envelope: Envelope.Envelope): Activation.Activation | null => {
  const activation = Directory.activationOf(lanes.directory, id)
  const refused = activation === null ? overload(lanes, id, "system") : admission(lanes, activation, envelope)
  if (refused !== null || activation === null) {
    Envelope.reply(envelope, refused!)
    if (activation !== null) rest(lanes, activation)
    return null
  }
  const lane = activation.lane
  if ((lane === null || !lane.busy) && (activation.loaded || loadNow(lanes, activation))) {
    takeTurn(lanes, activation, envelope)
    rest(lanes, activation)
  } else {
    hold(lanes, Activation.laneOf(activation), envelope)
    Mailbox.offer(Activation.laneOf(activation).mailbox, envelope)
    advance(lanes, activation)
  }
  return activation
}

/** Takes an envelope whose turn has not begun out again; false when it is too late. */
export const withdraw = (lanes: Lanes, activation: Activation.Activation, envelope: Envelope.Envelope): boolean => {
  const lane = activation.lane
  if (envelope.begun || lane === null || !envelope.queued) return false
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

const hold = (lanes: Lanes, lane: Activation.Lane, envelope: Envelope.Envelope): void => {
  if (envelope.held) return
  envelope.held = true
  lane.held += 1
  lanes.commit.hold()
  lanes.metrics.waits += 1
}

const release = (lanes: Lanes, lane: Activation.Lane | null, envelope: Envelope.Envelope): void => {
  if (!envelope.held) return
  envelope.held = false
  if (lane !== null) lane.held -= 1
  lanes.commit.release()
}

const answer = (
  lanes: Lanes,
  activation: Activation.Activation,
  envelope: Envelope.Envelope,
  exit: Exit.Exit<unknown, unknown>
): void => {
  release(lanes, activation.lane, envelope)
  Envelope.reply(envelope, exit)
}

// A2 output gate: an answer that saw something not yet durable waits for it.
const answerWhenDurable = (
  lanes: Lanes,
  activation: Activation.Activation,
  envelope: Envelope.Envelope,
  exit: Exit.Exit<unknown, unknown>,
  wrote: boolean
): void => {
  const newest = activation.lane === null ? null : activation.lane.newest
  if (newest === null) return answer(lanes, activation, envelope, exit)
  hold(lanes, activation.lane!, envelope)
  newest.waiters.push({ envelope, exit, wrote })
}

const takeTurn = (lanes: Lanes, activation: Activation.Activation, envelope: Envelope.Envelope): void => {
  envelope.begun = true
  envelope.turns += 1
  lanes.metrics.turns += 1
  if (envelope.command === readCommand) {
    const { state, sequence } = activation
    return answerWhenDurable(lanes, activation, envelope, Exit.succeed({ state, sequence }), false)
  }
  let prepared: Effect.Effect<unknown, unknown>
  const nowMillis = lanes.nowMillis()
  try {
    prepared = lanes.behavior.prepare(activation.state, envelope.command, nowMillis)
  } catch (defect) {
    return answer(lanes, activation, envelope, lanes.supervision.onDefect(activation.address, defect))
  }
  if (isExit(prepared)) return conclude(lanes, activation, envelope, prepared, nowMillis)
  const lane = Activation.laneOf(activation)
  lane.busy = true // A1: nothing else of this address runs while the port is asked
  hold(lanes, lane, envelope)
  lanes.run(prepared, (exit) => {
    lane.busy = false
    conclude(lanes, activation, envelope, exit, lanes.nowMillis())
    advance(lanes, activation)
  })
}

const conclude = (
  lanes: Lanes,
  activation: Activation.Activation,
  envelope: Envelope.Envelope,
  prepared: Exit.Exit<unknown, unknown>,
  nowMillis: number
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
    lanes.metrics.refused += 1
    return answerWhenDurable(lanes, activation, envelope, prepared, false)
  }
  try {
    decide(lanes, activation, envelope, prepared.value, nowMillis)
  } catch (defect) {
    answer(lanes, activation, envelope, lanes.supervision.onDefect(activation.address, defect))
  }
}

const decide = (
  lanes: Lanes,
  activation: Activation.Activation,
  envelope: Envelope.Envelope,
  facts: unknown,
  nowMillis: number
): void => {
  const { behavior } = lanes
  const { state, sequence } = activation
  const decided = behavior.decide(state, envelope.command, { nowMillis, sequence, facts })
  if (Either.isLeft(decided)) {
    lanes.metrics.refused += 1
    return answerWhenDurable(lanes, activation, envelope, Exit.fail(decided.left), false)
  }
  const { events, reply } = decided.right
  if (events.length === 0)
    return answerWhenDurable(lanes, activation, envelope, Exit.succeed(reply(state, sequence)), false)
  let after: unknown = state
  for (const event of events) after = behavior.evolve(after, event)
  const afterSequence = sequence + events.length
  // Everything a behavior computes is computed before anything changes: a defect leaves the turn undone.
  const exit = Exit.succeed(reply(after, afterSequence))
  const alarmMillis = behavior.alarm(after)
  lanes.metrics.accepted += 1
  commit(lanes, activation, envelope, { events, after, afterSequence, alarmMillis, exit })
}

interface Outcome {
  readonly events: ReadonlyArray<unknown>
  readonly after: unknown
  readonly afterSequence: number
  readonly alarmMillis: number | null
  readonly exit: Exit.Exit<unknown, unknown>
}

const commit = (
  lanes: Lanes,
  activation: Activation.Activation,
  envelope: Envelope.Envelope,
  outcome: Outcome
): void => {
  const lane = activation.lane
  const expectedSequence = activation.sequence
  activation.state = outcome.after
  activation.sequence = outcome.afterSequence
  if (lane !== null && lane.newest !== null && !lane.newest.flying) {
    // Turns run ahead of the disk: one address is one entry of a batch, however many turns it took.
    lane.newest.events.push(...outcome.events)
    lane.newest.state = outcome.after
    lane.newest.alarmMillis = outcome.alarmMillis
    return answerWhenDurable(lanes, activation, envelope, outcome.exit, true)
  }
  const { address } = activation
  const entry = { address, expectedSequence, state: outcome.after, alarmMillis: outcome.alarmMillis } // A4
  if (lanes.commit.journal.immediate && (lane === null || lane.newest === null)) {
    return commitNow(lanes, activation, envelope, { ...entry, events: outcome.events }, outcome.exit)
  }
  const pending: Activation.PendingCommit = {
    ...entry,
    activation,
    events: [...outcome.events],
    waiters: [],
    flying: false,
    withdrawn: false,
    settle: (result) => settle(lanes, pending, result)
  }
  const home = Activation.laneOf(activation)
  home.oldest ??= pending
  home.newest = pending
  answerWhenDurable(lanes, activation, envelope, outcome.exit, true)
  lanes.commit.append(pending)
}

// A journal that answers at once needs no batch: the turn ends with its commit.
const commitNow = (
  lanes: Lanes,
  activation: Activation.Activation,
  envelope: Envelope.Envelope,
  entry: JournalEntry,
  exit: Exit.Exit<unknown, unknown>
): void => {
  const appending = attempt(() => lanes.commit.journal.append([entry]))
  if (isExit(appending)) return concludeCommit(lanes, activation, envelope, entry, exit, appending)
  const lane = Activation.laneOf(activation)
  lane.busy = true
  hold(lanes, lane, envelope)
  lanes.run(appending, (appended) => {
    lane.busy = false
    concludeCommit(lanes, activation, envelope, entry, exit, appended)
    advance(lanes, activation)
  })
}

const concludeCommit = (
  lanes: Lanes,
  activation: Activation.Activation,
  envelope: Envelope.Envelope,
  entry: JournalEntry,
  exit: Exit.Exit<unknown, unknown>,
  appended: Exit.Exit<ReadonlyArray<AppendOutcome>, JournalFailure>
): void => {
  const result = Exit.isSuccess(appended) ? appended.value[0]! : failureOf(appended)
  if (result !== "committed") return undo(lanes, activation, envelope, result)
  answer(lanes, activation, envelope, exit)
  lanes.onCommitted(activation.address, entry.events, entry.state)
}

const undo = (
  lanes: Lanes,
  activation: Activation.Activation,
  envelope: Envelope.Envelope,
  result: AppendOutcome | JournalFailure
): void => {
  activation.loaded = false // A3
  const conflict = typeof result === "string"
  if (conflict && envelope.turns <= lanes.commit.config.conflictRetries) {
    lanes.metrics.conflicts += 1
    const lane = Activation.laneOf(activation)
    hold(lanes, lane, envelope)
    Mailbox.putBack(lane.mailbox, [envelope])
    return advance(lanes, activation)
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
  if (again.length > 0) Mailbox.putBack(Activation.laneOf(activation).mailbox, again)
  advance(lanes, activation)
}

// Gives the lane to whoever waits, until a turn suspends or nobody is left.
const advance = (lanes: Lanes, activation: Activation.Activation): void => {
  const lane = activation.lane
  if (lane === null || lane.busy) return
  while (!lane.busy && lane.mailbox.size > 0) {
    if (!activation.loaded && !loadNow(lanes, activation)) return wake(lanes, activation, lane)
    if (isStale(lanes, lane)) return wake(lanes, activation, lane)
    if (lane.fresh > 0) lane.fresh -= 1
    takeTurn(lanes, activation, Mailbox.take(lane.mailbox)!)
  }
  rest(lanes, activation)
}

// Where others write the journal too, a load answers only for those who asked before it began; after that a pending
// commit must vouch for the state (the fence confirms it), or it is read again.
const isStale = (lanes: Lanes, lane: Activation.Lane): boolean =>
  !lanes.commit.journal.exclusive && lane.fresh === 0 && lane.newest === null

// Reads the state on the spot where the journal can; false when it has to be waited for.
const loadNow = (lanes: Lanes, activation: Activation.Activation): boolean => {
  if (!lanes.commit.journal.exclusive) return false
  let load: Effect.Effect<JournalRow | null, JournalFailure>
  try {
    load = lanes.commit.journal.load(activation.address)
  } catch {
    return false
  }
  return isExit(load) && Exit.isSuccess(load) && adopt(lanes, activation, load.value)
}

const adopt = (lanes: Lanes, activation: Activation.Activation, row: JournalRow | null): boolean => {
  lanes.metrics.loads += 1
  try {
    activation.state = row === null ? lanes.behavior.initial : lanes.behavior.decode(row.state)
  } catch (defect) {
    lanes.supervision.onDefect(activation.address, defect)
    return false
  }
  activation.sequence = row === null ? 0 : row.sequence
  activation.loaded = true
  return true
}

const wake = (lanes: Lanes, activation: Activation.Activation, lane: Activation.Lane): void => {
  lane.busy = true
  lane.fresh = lane.mailbox.size
  const loading = attempt(() => lanes.commit.journal.load(activation.address))
  lanes.run(loading, (exit) => {
    lane.busy = false
    if (Exit.isFailure(exit) || !adopt(lanes, activation, exit.value)) {
      const reason = Exit.isSuccess(exit) ? "CORRUPT" : failureOf(exit).reason
      const cause = Exit.isSuccess(exit) ? undefined : failureOf(exit).cause
      const error = Exit.fail(
        lanes.unavailable(EngineError.journalUnavailable(activation.address, reason, "no", cause))
      )
      for (; lane.fresh > 0 && lane.mailbox.size > 0; lane.fresh--)
        answer(lanes, activation, Mailbox.take(lane.mailbox)!, error)
    }
    advance(lanes, activation)
  })
}

const attempt = <A, E>(make: () => Effect.Effect<A, E>): Effect.Effect<A, E> => {
  try {
    return make()
  } catch (defect) {
    return Exit.die(defect)
  }
}

// Nothing in flight: the lane is let go. An address that was never written, or that others may write, is not kept awake.
const rest = (lanes: Lanes, activation: Activation.Activation): void => {
  if (!Activation.isIdle(activation)) return
  activation.lane = null
  if (activation.sequence === 0 || !activation.loaded || !lanes.commit.journal.exclusive)
    Directory.passivate(lanes.directory, activation)
}
