/**
 * AtRest: the turn of an address that is awake and has nothing in flight. It is over before anybody else comes, so its
 * answer is returned, and no envelope is made. What has to wait after all (a port, a journal) gets one and goes the general
 * way (Turn). The rules are Turn's; this is the way of nearly every call.
 *
 * A1-A3 hold because nothing is in flight: no turn to overlap, no commit to wait for, no doubt. A4 is in the outcome.
 */
import * as Exit from "effect/Exit"
import type * as Activation from "./Activation.js"
import { commitAtRest } from "./Committing.js"
import * as Envelope from "./Envelope.js"
import { type Lanes, rest } from "./Lanes.js"
import { isExit } from "./Running.js"
import { decide, goOn } from "./Turn.js"

/** Whether a command of a caller may take its turn this way. */
export const isAtRest = (lanes: Lanes, activation: Activation.Activation): boolean => {
  const { config, journal, metrics } = lanes.commit
  return (
    activation.lane === null &&
    activation.loaded &&
    journal.exclusive &&
    !lanes.draining &&
    metrics.held < config.systemCapacity
  )
}

/** Takes it: the answer, or the envelope it will come to. */
export const turnAtRest = (
  lanes: Lanes,
  activation: Activation.Activation,
  command: unknown
): Exit.Exit<unknown, unknown> | Envelope.Envelope => {
  lanes.metrics.turns += 1
  activation.epoch = lanes.directory.epoch
  try {
    const prepared = lanes.behavior.prepare(activation.state, command)
    if (!isExit(prepared) || Exit.isFailure(prepared)) {
      const envelope = Envelope.begun(command, activation)
      goOn(lanes, activation, envelope, prepared)
      rest(lanes, activation)
      return envelope
    }
    const outcome = decide(lanes, activation, command, prepared.value)
    if ("events" in outcome) return commitAtRest(lanes, activation, command, outcome)
    if (outcome._tag === "Failure") lanes.metrics.refused += 1
    return outcome
  } catch (defect) {
    return lanes.supervision.onDefect(activation.address, defect)
  }
}
