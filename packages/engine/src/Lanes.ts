/**
 * Lanes: the parts a turn works with, and the way an answer leaves.
 *
 * Holds A2, the output gate: an answer that saw something not yet durable waits on the newest commit of its address. Counts
 * every envelope that cannot be answered at once.
 */
import type * as Exit from "effect/Exit"
import * as Activation from "./Activation.js"
import type { Address } from "./Address.js"
import type { Behavior } from "./Behavior.js"
import * as Directory from "./Directory.js"
import type { EngineError } from "./EngineError.js"
import type { EngineMetrics } from "./EngineMetrics.js"
import * as Envelope from "./Envelope.js"
import type { GroupCommitShape } from "./GroupCommit.js"
import type { Knowledge } from "./Knowledge.js"
import type { RunEffect } from "./Running.js"
import type { Supervision } from "./Supervision.js"

/** The parts a turn works with. The behavior's types are erased here; `ActorSystem` is the typed door. */
export interface Lanes {
  readonly behavior: Behavior<any, any, any, any, any, any>
  readonly directory: Directory.Directory
  readonly commit: GroupCommitShape
  readonly supervision: Supervision
  readonly metrics: EngineMetrics
  readonly run: RunEffect
  /** Told of every durable change, after it is durable. */
  readonly onCommitted: (address: Address, events: ReadonlyArray<unknown>, state: unknown) => void
  /** Told when a commit was not confirmed: something may have changed. */
  readonly onDoubt: (address: Address) => void
  /** How the engine's own answers are said in the behavior's words. */
  readonly unavailable: (error: EngineError) => unknown
  /** Gives a lane that fell free to whoever waits for it (Turn). */
  readonly advance: (activation: Activation.Activation) => void
  readonly knowledge: Knowledge
  draining: boolean
}

/** Counts an envelope as unanswered work, once. The first time it is on the stack of its caller, whose async context it remembers. */
export const hold = (lanes: Lanes, lane: Activation.Lane, envelope: Envelope.Envelope): void => {
  if (envelope.held) return
  envelope.held = true
  const { asyncContext } = lanes.commit.config
  if (asyncContext !== null) envelope.context ??= asyncContext()
  lane.held += 1
  lanes.commit.hold()
  lanes.metrics.waits += 1
}

/** Counts it as answered. */
export const release = (lanes: Lanes, lane: Activation.Lane | null, envelope: Envelope.Envelope): void => {
  if (!envelope.held) return
  envelope.held = false
  if (lane !== null) lane.held -= 1
  lanes.commit.release()
}

/** Answers now. */
export const answer = (
  lanes: Lanes,
  activation: Activation.Activation,
  envelope: Envelope.Envelope,
  exit: Exit.Exit<unknown, unknown>
): void => {
  release(lanes, activation.lane, envelope)
  Envelope.reply(envelope, exit)
}

/** A2: answers now when nothing is in flight, else when the newest commit is durable. `wrote`: that commit holds the command's own events. */
export const answerWhenDurable = (
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

/** Nothing in flight: the lane is let go. An address that was never written, is in doubt, or that others write now is not kept awake. */
export const rest = (lanes: Lanes, activation: Activation.Activation): void => {
  if (!Activation.isIdle(activation)) return
  const isContended = activation.lane?.contended === true
  activation.lane = null
  if (activation.sequence === 0 || !activation.loaded || isContended) Directory.passivate(lanes.directory, activation)
}
