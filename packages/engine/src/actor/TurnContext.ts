/**
 * TurnContext: the parts a turn works with, and how answers are released.
 *
 * Holds A2, the output gate: an answer that depends on something not yet durable waits for the newest commit of its
 * address. Counts unanswered envelopes.
 */
import type * as Exit from "effect/Exit"
import type { Address } from "../Address.js"
import type { Behavior, Recorded, Turn } from "../Behavior.js"
import type { EngineError } from "../EngineError.js"
import type { GroupCommitShape } from "../journal/GroupCommit.js"
import type { RunEffect } from "../runtime/EffectRunner.js"
import type { CommitMetrics, EngineMetrics } from "../runtime/EngineMetrics.js"
import * as JsonBytes from "../runtime/JsonBytes.js"
import type { Supervision } from "../runtime/Supervision.js"
import * as Activation from "./Activation.js"
import * as ActiveActors from "./ActiveActors.js"
import * as Envelope from "./Envelope.js"
import { noRecords } from "./Records.js"

/** The command that reads: answered with state and sequence. */
export const readCommand: unique symbol = Symbol("read")

/**
 * The input of a turn besides state and command. One object per system, reused for every decision: decisions are pure
 * and never overlap. The clock is read on access only: a read costs as much as a refusal, which rarely needs it.
 */
export class TurnInput implements Turn<unknown> {
  sequence = 0
  facts: unknown = undefined
  records: ReadonlyArray<Recorded<unknown, unknown>> = noRecords
  private isRead = false
  private readMillis = 0
  constructor(private readonly clock: () => number) {}

  /** Refills it for the next decision. */
  of(sequence: number, facts: unknown, records: ReadonlyArray<Recorded<unknown, unknown>>): Turn<unknown> {
    this.sequence = sequence
    this.facts = facts
    this.records = records
    this.isRead = false
    return this
  }

  /** The time of the turn, epoch milliseconds. */
  get nowMillis(): number {
    if (!this.isRead) {
      this.isRead = true
      this.readMillis = this.clock()
    }
    return this.readMillis
  }
}

/** The parts a turn works with. The behavior's types are erased here; `ActorSystem` is the typed API. */
export interface TurnContext {
  readonly behavior: Behavior<any, any, any, any, any, any>
  readonly actors: ActiveActors.ActiveActors
  readonly commit: GroupCommitShape
  readonly supervision: Supervision
  readonly metrics: EngineMetrics
  readonly run: RunEffect
  /** Called with every durable change, after it is durable. `sequence`: that of the last event. */
  readonly onCommitted: (address: Address, events: ReadonlyArray<unknown>, state: unknown, sequence: number) => void
  /** Called with every refusal of a rule or a port, once it is final; null: no listener. */
  readonly onRefused: ((address: Address, command: unknown, refusal: unknown, state: unknown) => void) | null
  /** Called when a commit was not confirmed: something may have changed. */
  readonly onDoubt: (address: Address) => void
  /** Maps engine errors to the behavior's error type. */
  readonly unavailable: (error: EngineError) => unknown
  /** Runs waiting commands of an address that became free (Turn). */
  readonly advance: (context: TurnContext, activation: Activation.Activation) => void
  readonly input: TurnInput
  draining: boolean
}

/** Counts an envelope as unanswered, once, and captures the async context of its caller. */
export const hold = (context: TurnContext, inFlight: Activation.InFlight, envelope: Envelope.Envelope): void => {
  if (envelope.held) return
  envelope.held = true
  const { asyncContext } = context.commit.config
  if (asyncContext !== null) envelope.asyncContext ??= asyncContext()
  inFlight.held += 1
  context.commit.metrics.held += 1
  const { body } = context.behavior
  const held = body === undefined || envelope.command === readCommand ? null : (body.heldBy(envelope.command) ?? null)
  if (held !== null) addBytes(context.commit.metrics, inFlight, envelope, JsonBytes.of(held))
  context.metrics.waits += 1
}

const addBytes = (
  metrics: CommitMetrics,
  inFlight: Activation.InFlight,
  envelope: Envelope.Envelope,
  bytes: number
): void => {
  envelope.bytes += bytes
  inFlight.heldBytes += bytes
  metrics.heldBytes += bytes
}

/** Counts an envelope as answered. */
export const release = (
  context: TurnContext,
  inFlight: Activation.InFlight | null,
  envelope: Envelope.Envelope
): void => {
  if (!envelope.held) return
  envelope.held = false
  if (inFlight !== null) inFlight.held -= 1
  if (envelope.bytes > 0) {
    if (inFlight !== null) inFlight.heldBytes -= envelope.bytes
    context.commit.metrics.heldBytes -= envelope.bytes
    envelope.bytes = 0
  }
  context.commit.release()
}

/**
 * Answers an envelope now; a second answer is ignored. Drops the listener: an old-generation envelope would otherwise
 * retain everything its waiting fiber allocates later.
 */
export const answer = (
  context: TurnContext,
  activation: Activation.Activation,
  envelope: Envelope.Envelope,
  exit: Exit.Exit<unknown, unknown>
): void => {
  release(context, activation.inFlight, envelope)
  if (envelope.exit !== null) return
  const { onExit } = envelope
  envelope.exit = exit
  envelope.onExit = null
  if (onExit !== null) onExit(exit)
}

/**
 * A2: returns the answer if nothing is in flight, else an envelope that gets it when the newest commit is durable.
 * `wrote`: that commit holds the command's own events.
 */
export const answerWhenDurable = (
  context: TurnContext,
  activation: Activation.Activation,
  command: unknown,
  envelope: Envelope.Envelope | null,
  exit: Exit.Exit<unknown, unknown>,
  wrote: boolean
): Envelope.Answered => {
  const { inFlight } = activation
  if (inFlight === null || inFlight.newest === null) return exit
  return answerAfter(context, inFlight, inFlight.newest, envelope ?? Envelope.make(command, activation, 1), exit, wrote)
}

/** Reports a refusal to `onRefused`. `state`: the durable state it is based on. */
export const tellRefusal = (
  { onRefused }: TurnContext,
  address: Address,
  command: unknown,
  exit: Exit.Exit<unknown, unknown>,
  state: unknown
): void => {
  if (onRefused !== null && exit._tag === "Failure" && exit.cause._tag === "Fail")
    onRefused(address, command, exit.cause.error, state)
}

/** Answers an envelope when that commit is durable. */
export const answerAfter = (
  context: TurnContext,
  inFlight: Activation.InFlight,
  pending: Activation.PendingCommit,
  envelope: Envelope.Envelope,
  exit: Exit.Exit<unknown, unknown>,
  wrote: boolean
): Envelope.Envelope => {
  hold(context, inFlight, envelope)
  const { body } = envelope.activation
  // A reply may hold a copy of the body.
  if (body !== null && exit._tag === "Success") addBytes(context.commit.metrics, inFlight, envelope, body.bytes)
  pending.waiters.push({ envelope, exit, wrote })
  return envelope
}

/**
 * Drops `inFlight` if nothing is in flight. Passivates an address that was never written, is in doubt, or is contended.
 */
export const releaseIfIdle = (context: TurnContext, activation: Activation.Activation): void => {
  const { inFlight } = activation
  // Unanswered envelopes are about to be answered, or put back, further down this stack.
  if (!Activation.isIdle(activation) || (inFlight !== null && inFlight.held > 0)) return
  const isContended = inFlight?.contended === true
  activation.inFlight = null
  if (activation.sequence === 0 || !activation.loaded || isContended) ActiveActors.passivate(context.actors, activation)
}
