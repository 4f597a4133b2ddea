/**
 * ReleaseClaim: an operator releases a claim. The session stays in its state and can be updated again; the history
 * records who did it and why; a later result of the task is refused. Source: CONTRACT §4.
 */

import { isFinal } from "../flow/Flow.js"
import { messageMaxLength } from "../flow/TaskResult.js"
import { ownerNow } from "../ports/Guard.js"
import * as CloseOperation from "./CloseOperation.js"
import * as Input from "./Input.js"
import { accept, type Decide, digestsWith } from "./SessionCommand.js"

/** The fields of the input. */
export const fields = CloseOperation.fieldsWith({ reason: Input.textUpTo(messageMaxLength) })

/** Steps 2-3. */
export const check = CloseOperation.checkWith(fields)

/** Releases the claim, once. If the flow has made the state final meanwhile, the session is completed. */
export const decide: Decide<"ReleaseClaim"> = (flow, state, command, turn) => {
  const found = CloseOperation.claimOf(state, command, turn)
  if ("_tag" in found) return found
  if ("answered" in found) return found.answered
  if ("over" in found) return CloseOperation.refuse(found.over)
  const { session, workKey } = found
  const { state: from, lastRequestId } = session
  const { operationId, reason, caller, use = null } = command
  const { userId: by } = caller
  const owner = ownerNow(session, turn.facts.cart)
  const at = turn.nowMillis
  const event = { type: "ClaimReleased", at, from, by, operationId, workKey, reason, owner, use } as const
  const ending = isFinal(flow, from) ? { archives: true } : {}
  return accept({ ...event, ...ending }, lastRequestId ?? "", digestsWith(use, operationId))
}
