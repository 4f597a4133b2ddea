/**
 * Loading: reads an activation's state from the journal. Holds A3: a state in doubt is read again before the next turn.
 */
import type * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as EngineError from "../EngineError.js"
import { failureOf } from "../journal/GroupCommit.js"
import { failure, type JournalFailure, type JournalRow } from "../journal/Journal.js"
import { attempt, isExit } from "../runtime/EffectRunner.js"
import * as Activation from "./Activation.js"
import * as ActiveActors from "./ActiveActors.js"
import * as Bodies from "./Bodies.js"
import type * as Envelope from "./Envelope.js"
import * as Mailbox from "./Mailbox.js"
import { migrate } from "./Migrating.js"
import { adoptDigests } from "./Records.js"
import { answer, hold, type TurnContext } from "./TurnContext.js"

/**
 * With a shared journal the cached state may be stale. A turn that writes may still use it, because the fence (A4)
 * would refuse its commit. A turn that writes nothing needs a state that was read after its command arrived, or a
 * commit that is yet to be sent and will be refused if the state is stale.
 */
export const isCertain = (
  context: TurnContext,
  activation: Activation.Activation,
  envelope: Envelope.Envelope | null
): boolean =>
  context.commit.journal.exclusive ||
  envelope?.fresh === true ||
  (activation.inFlight !== null && activation.inFlight.newest !== null)

/** Reloads the state and repeats the turn. */
export const reloadAndRetry = (
  context: TurnContext,
  activation: Activation.Activation,
  envelope: Envelope.Envelope
): Envelope.Envelope => {
  const inFlight = Activation.inFlightOf(activation)
  activation.loaded = false
  envelope.turns -= 1
  hold(context, inFlight, envelope)
  Mailbox.putBack(inFlight.mailbox, [envelope])
  return envelope
}

/**
 * With a shared journal, a commit already sent proves freshness only for commands received before it was sent: it may
 * be written already, and others may have written since. Later commands wait until it is settled, and then for a load.
 */
export const mustWaitForCommit = (context: TurnContext, inFlight: Activation.InFlight): boolean =>
  !context.commit.journal.exclusive && inFlight.newest !== null && inFlight.newest.flying

/** Reads the state synchronously if the journal can; false if the read must be awaited or failed. */
export const loadNow = (context: TurnContext, activation: Activation.Activation): boolean => {
  if (!context.commit.journal.exclusive) return false
  let load: Effect.Effect<JournalRow | null, JournalFailure>
  try {
    load = context.commit.journal.load(activation.address)
  } catch {
    return false
  }
  return isExit(load) && Exit.isSuccess(load) && adopt(context, activation, load.value) === null
}

/**
 * Activates a new address without reading the journal; an active one is returned as it is. Undefined at the limit of
 * active actors.
 */
export const activateMade = (context: TurnContext, id: string): Activation.Activation | undefined => {
  const known = context.actors.awake.get(id)
  if (known !== undefined) return known
  const activation = ActiveActors.activationOf(context.actors, id)
  if (activation === null) return undefined
  adoptDigests(context, activation, null)
  activation.loaded = true
  return activation
}

// Returns null if the state was adopted, else the failure. A migration of the state is already being committed then
// (Migrating).
const adopt = (
  context: TurnContext,
  activation: Activation.Activation,
  row: JournalRow | null
): JournalFailure | null => {
  context.metrics.loads += 1
  try {
    const state = row === null ? context.behavior.initial : Bodies.stateOf(context, row)
    activation.state = state
    activation.sequence = row === null ? 0 : row.sequence
    ActiveActors.noteBody(context.actors, activation, row === null ? null : Bodies.noteOf(context, row, state))
    adoptDigests(context, activation, row)
    activation.loaded = true
    if (row !== null) migrate(context, activation)
    return null
  } catch (defect) {
    activation.loaded = false
    if (defect instanceof EngineError.NewerState) return failure("no", defect.reason)
    context.supervision.onDefect(activation.address, defect)
    return failure("no", defect instanceof EngineError.UnknownFormat ? "FORMAT" : "CORRUPT")
  }
}

/**
 * Reads the state and holds the address meanwhile (A1); commands that arrived before get an error if it cannot be read.
 */
export const load = (context: TurnContext, activation: Activation.Activation, inFlight: Activation.InFlight): void => {
  inFlight.busy = true // A1: nothing else of this address runs while its state is read
  inFlight.fresh = inFlight.mailbox.size
  const loading = attempt(() => context.commit.journal.load(activation.address))
  context.run(loading, (exit) => {
    inFlight.busy = false
    const unread = Exit.isFailure(exit) ? failureOf(exit) : adopt(context, activation, exit.value)
    if (unread !== null) {
      const { cause, reason } = unread
      const error = Exit.fail(
        context.unavailable(EngineError.journalUnavailable(activation.address, reason, "no", cause))
      )
      for (; inFlight.fresh > 0 && inFlight.mailbox.size > 0; inFlight.fresh--)
        answer(context, activation, Mailbox.take(inFlight.mailbox)!, error)
    }
    context.advance(context, activation)
  })
}
