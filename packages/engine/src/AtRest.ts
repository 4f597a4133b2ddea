/**
 * AtRest: the turn of an address that has nothing in flight. It is over before anybody else comes, so its
 * answer is returned, and no envelope is made. What has to wait after all (a port, a journal) gets one and goes the general
 * way (Turn). The rules are Turn's; this is the way of nearly every call.
 *
 * A1-A3 hold because nothing is in flight: no turn to overlap, no commit to wait for, no doubt. A4 is in the outcome.
 */
import * as Exit from "effect/Exit"
import type * as Activation from "./Activation.js"
import { commitAtRest } from "./Committing.js"
import * as Directory from "./Directory.js"
import * as Envelope from "./Envelope.js"
import { type Lanes, rest } from "./Lanes.js"
import { loadNow } from "./Loading.js"
import { find, nothingRecorded } from "./Records.js"
import { isExit } from "./Running.js"
import { decide, goOn, goOnRecorded } from "./Turn.js"

/** The address of a caller's command, if its turn may be taken this way; woken where the journal answers on the spot. */
export const findAtRest = (
  lanes: Lanes,
  id: string,
  found: Activation.Activation | undefined
): Activation.Activation | null => {
  const { config, journal, metrics } = lanes.commit
  if (!journal.exclusive || lanes.draining || metrics.held >= config.systemCapacity) return null
  const activation = found ?? Directory.activationOf(lanes.directory, id)
  if (activation === null || activation.lane !== null) return null
  return activation.loaded || loadNow(lanes, activation) ? activation : null
}

/** The state of an address at rest, certain and durable; undefined for one that has something in flight. */
export const peekAtRest = (lanes: Lanes, id: string): unknown => {
  const activation = findAtRest(lanes, id, undefined)
  if (activation === null) return undefined
  const { state } = activation
  activation.epoch = lanes.directory.epoch
  if (activation.sequence === 0) rest(lanes, activation)
  return state
}

/** Takes it: the answer, or the envelope it will come to. */
export const turnAtRest = (
  lanes: Lanes,
  activation: Activation.Activation,
  command: unknown
): Exit.Exit<unknown, unknown> | Envelope.Envelope => {
  const answer = take(lanes, activation, command)
  if (activation.sequence === 0) rest(lanes, activation)
  return answer
}

const take = (
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
    const digests = lanes.behavior.digestsOf(command)
    const recorded = digests.length === 0 ? nothingRecorded : find(lanes, activation, digests)
    if (!isExit(recorded) || Exit.isFailure(recorded)) {
      const envelope = Envelope.begun(command, activation)
      goOnRecorded(lanes, activation, envelope, prepared.value, recorded)
      rest(lanes, activation)
      return envelope
    }
    const outcome = decide(lanes, activation, command, prepared.value, recorded.value)
    if ("events" in outcome) return commitAtRest(lanes, activation, command, outcome)
    if (outcome._tag === "Failure") lanes.metrics.refused += 1
    return outcome
  } catch (defect) {
    return lanes.supervision.onDefect(activation.address, defect)
  }
}
