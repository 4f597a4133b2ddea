/**
 * CompleteTask: the task of the current state succeeded; the session moves to where the accepted update sent it.
 * Source: CONTRACT §2.
 */

import { isFinal } from "../flow/Flow.js"
import { wordMaxLength } from "../flow/TaskResult.js"
import * as CloseOperation from "./CloseOperation.js"
import * as Input from "./Input.js"
import { accept, type Decide } from "./SessionCommand.js"

/** What the input may say. */
export const fields = CloseOperation.fieldsWith({ orderId: Input.optionalTextUpTo(wordMaxLength) })

/** Steps 2-3. */
export const check = CloseOperation.checkWith(fields)

/** Moves the session, once. */
export const decide: Decide<"CompleteTask"> = (flow, state, command, turn) => {
  const claimed = CloseOperation.current(state, command, turn)
  if ("_tag" in claimed) return claimed
  const { state: from, nextState, workKey, lastRequestId } = claimed
  const { operationId, orderId } = command
  const by = command.caller === null ? null : command.caller.userId
  const archives = isFinal(flow, nextState)
  const event = {
    type: "TaskCompleted",
    at: turn.nowMillis,
    from,
    by,
    operationId,
    workKey,
    orderId,
    to: nextState,
    archives
  } as const
  return accept(event, lastRequestId ?? "")
}
