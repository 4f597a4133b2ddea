/**
 * FailTask: the task of the current state failed for good; the session goes to `Error` with the cause in its history,
 * and an update from `Error` tries again. Source: CONTRACT §2.
 */

import { messageMaxLength, wordMaxLength } from "../flow/TaskResult.js"
import { ownerNow } from "../ports/Guard.js"
import * as CloseOperation from "./CloseOperation.js"
import * as Input from "./Input.js"
import { accept, type CommandOf, type Decide, digestsWith } from "./SessionCommand.js"

/** The fields of the input. */
export const fields = CloseOperation.fieldsWith({
  code: Input.textUpTo(wordMaxLength),
  message: Input.optionalTextUpTo(messageMaxLength),
  applied: Input.optionalOneOf(["no", "unknown"])
})

/** Steps 2-3. */
export const check = CloseOperation.checkWith(fields)

/** Fails the session, once. */
export const decide: Decide<"FailTask"> = (_flow, state, command, turn) => {
  const found = CloseOperation.claimOf(state, command, turn)
  if ("_tag" in found) return found
  if ("answered" in found) return found.answered
  if ("over" in found)
    return isRepeated(found.over, command)
      ? CloseOperation.repeat(found.over.closed!)
      : CloseOperation.refuse(found.over)
  const { session, workKey } = found
  const { state: from, lastRequestId } = session
  const { operationId, cause, applied, use = null } = command
  const by = command.caller === null ? null : command.caller.userId
  const owner = ownerNow(session, turn.facts.cart)
  const at = turn.nowMillis
  const event = { type: "TaskFailed", at, from, by, operationId, workKey, cause, applied, owner, use } as const
  return accept({ ...event, ...CloseOperation.noted(found) }, lastRequestId ?? "", digestsWith(use, operationId))
}

const isRepeated = ({ closed }: CloseOperation.Over, { applied, cause }: CommandOf<"FailTask">): boolean => {
  if (closed === null || closed.event.type !== "TaskFailed") return false
  const { event } = closed
  return event.applied === applied && event.cause.code === cause.code && event.cause.message === cause.message
}
