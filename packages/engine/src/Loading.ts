/**
 * Loading: where an activation's state comes from. Holds A3: a state in doubt is read again before the next turn.
 */
import { type Effect, Exit } from "effect"
import type * as Activation from "./Activation.js"
import * as EngineError from "./EngineError.js"
import { failureOf } from "./GroupCommit.js"
import type { JournalFailure, JournalRow } from "./Journal.js"
import { answer, type Lanes } from "./Lanes.js"
import * as Mailbox from "./Mailbox.js"
import { attempt, isExit } from "./Running.js"

/**
 * Where others write the journal too, a load answers only for those who asked before it began; after that a pending
 * commit must vouch for the state (the fence confirms it), or it is read again.
 */
export const isStale = (lanes: Lanes, lane: Activation.Lane): boolean =>
  !lanes.commit.journal.exclusive && lane.fresh === 0 && lane.newest === null

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

/** Reads the state and holds the lane meanwhile (A1); those who asked before are told when it cannot be read. */
export const wake = (lanes: Lanes, activation: Activation.Activation, lane: Activation.Lane): void => {
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
    lanes.advance(activation)
  })
}
