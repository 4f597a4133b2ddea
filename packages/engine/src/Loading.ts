/**
 * Loading: where an activation's state comes from. Holds A3: a state in doubt is read again before the next turn.
 */
import type * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Activation from "./Activation.js"
import * as EngineError from "./EngineError.js"
import type * as Envelope from "./Envelope.js"
import { failureOf } from "./GroupCommit.js"
import type { JournalFailure, JournalRow } from "./Journal.js"
import { answer, hold, type Lanes } from "./Lanes.js"
import * as Mailbox from "./Mailbox.js"
import { adoptDigests } from "./Records.js"
import { attempt, isExit } from "./Running.js"

/**
 * Where others write the journal too, what is remembered here may be over. A turn that writes may rest on it all the same:
 * the fence (A4) refuses it then. An answer that writes nothing must be certain: its state was read after its command came,
 * or a commit that has yet to leave will be refused unless that state is true.
 */
export const isCertain = (lanes: Lanes, activation: Activation.Activation, envelope: Envelope.Envelope): boolean =>
  lanes.commit.journal.exclusive || envelope.fresh || (activation.lane !== null && activation.lane.newest !== null)

/** The turn is taken again, on a state that is read now. */
export const lookAgain = (lanes: Lanes, activation: Activation.Activation, envelope: Envelope.Envelope): void => {
  const lane = Activation.laneOf(activation)
  activation.loaded = false
  envelope.turns -= 1
  hold(lanes, lane, envelope)
  Mailbox.putBack(lane.mailbox, [envelope])
}

/**
 * Where others write the journal too, a commit in flight vouches only for those who asked before it left: it may be written
 * already, and others may have written since. Who asks later waits until it is settled, and then for a load.
 */
export const isVouchedTooEarly = (lanes: Lanes, lane: Activation.Lane | null): boolean =>
  !lanes.commit.journal.exclusive && lane !== null && lane.newest !== null && lane.newest.flying

/** Reads the state on the spot where the journal can; false when it has to be waited for. */
export const loadNow = (lanes: Lanes, activation: Activation.Activation): boolean => {
  if (!lanes.commit.journal.exclusive) return false
  let load: Effect.Effect<JournalRow | null, JournalFailure>
  try {
    load = lanes.commit.journal.load(activation.address)
  } catch {
    return false
  }
  return isExit(load) && Exit.isSuccess(load) && adopt(lanes, activation, load.value) === null
}

// Null when the state was taken in, else why not.
const adopt = (
  lanes: Lanes,
  activation: Activation.Activation,
  row: JournalRow | null
): "CORRUPT" | "FORMAT" | null => {
  lanes.metrics.loads += 1
  try {
    activation.state = row === null ? lanes.behavior.initial : lanes.behavior.decode(row.state)
  } catch (defect) {
    lanes.supervision.onDefect(activation.address, defect)
    return defect instanceof EngineError.UnknownFormat ? "FORMAT" : "CORRUPT"
  }
  activation.sequence = row === null ? 0 : row.sequence
  adoptDigests(lanes, activation, row)
  activation.loaded = true
  return null
}

/** Reads the state and holds the lane meanwhile (A1); those who asked before are told when it cannot be read. */
export const wake = (lanes: Lanes, activation: Activation.Activation, lane: Activation.Lane): void => {
  lane.busy = true
  lane.fresh = lane.mailbox.size
  const loading = attempt(() => lanes.commit.journal.load(activation.address))
  lanes.run(loading, (exit) => {
    lane.busy = false
    const unread = Exit.isFailure(exit) ? failureOf(exit).reason : adopt(lanes, activation, exit.value)
    if (unread !== null) {
      const reason = unread
      const cause = Exit.isSuccess(exit) ? undefined : failureOf(exit).cause
      const error = Exit.fail(
        lanes.unavailable(EngineError.journalUnavailable(activation.address, reason, "no", cause))
      )
      for (; lane.fresh > 0 && lane.mailbox.size > 0; lane.fresh--)
        answer(lanes, activation, Mailbox.take(lane.mailbox)!, error)
    }
    lanes.advance(activation)
  })
}
