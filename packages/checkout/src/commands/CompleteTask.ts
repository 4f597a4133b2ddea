/**
 * CompleteTask: the task of the current state succeeded; the session moves to where the accepted update sent it.
 * Source: CONTRACT §2.
 */

import type { OperationError } from "../errors/CheckoutError.js"
import * as Refusal from "../errors/Refusal.js"
import { isFinal } from "../flow/Flow.js"
import { wordMaxLength } from "../flow/TaskResult.js"
import { ownerNow } from "../ports/Guard.js"
import { type CheckoutSession, copyOf } from "../session/CheckoutSession.js"
import * as CloseOperation from "./CloseOperation.js"
import * as Input from "./Input.js"
import { accept, type CommandOf, type Decide, type Decided, digestsWith, type SessionTurn } from "./SessionCommand.js"

/** The fields of the input. */
export const fields = CloseOperation.fieldsWith({ orderId: Input.optionalTextUpTo(wordMaxLength) })

/** Steps 2-3. */
export const check = CloseOperation.checkWith(fields)

const cartChanged = Object.freeze({ code: "CART_CHANGED", message: "The cart changed while the task ran." })

/**
 * Moves the session, once; or fails it if the task refuses a cart that has changed since the claim. A late success is kept,
 * because a payment may have been made.
 */
export const decide: Decide<"CompleteTask"> = (flow, state, command, turn) => {
  const found = CloseOperation.claimOf(state, command, turn)
  if ("_tag" in found) return found
  if ("answered" in found) return found.answered
  if ("over" in found) return tooLate(found.over, command, turn)
  const { state: from, nextState, workKey, lastRequestId } = found.claimed
  const { operationId, orderId, use = null } = command
  const by = command.caller === null ? null : command.caller.userId
  const archives = isFinal(flow, nextState)
  const owner = ownerNow(found.claimed, turn.facts.cart)
  const noted = CloseOperation.noted(found.claimed)
  if (noted.cartChanged === true && flow.tasks.get(from)?.whenCartChanged === "refuse") {
    const applied = "unknown"
    const [at, cause] = [turn.nowMillis, cartChanged]
    const failed = { type: "TaskFailed", at, from, by, operationId, workKey, orderId, cause, applied, owner } as const
    return accept({ ...failed, ...noted, use }, lastRequestId ?? "", digestsWith(use, operationId))
  }
  const event = {
    type: "TaskCompleted",
    at: turn.nowMillis,
    from,
    by,
    operationId,
    workKey,
    orderId,
    to: nextState,
    archives,
    owner,
    use,
    ...noted
  } as const
  return accept(event, lastRequestId ?? "", digestsWith(use, operationId))
}

// On a live session a late success is an event that leaves the state unchanged. An archived session never changes, so the
// cart's actor keeps it (LateResults).
const tooLate = (
  over: CloseOperation.Over,
  command: CommandOf<"CompleteTask">,
  turn: SessionTurn
): Decided<OperationError> => {
  const { closed, late, reason, session } = over
  if (closed === null) return CloseOperation.refuse(over)
  const { operationId, orderId } = command
  const { event } = closed
  const isRefused = event.type === "TaskFailed" && event.cause.code === cartChanged.code
  if ((event.type === "TaskCompleted" || isRefused) && event.orderId === orderId) return CloseOperation.repeat(closed)
  if (late.some((one) => one.orderId === orderId)) return CloseOperation.refuse(over, true)
  if (session.isArchived || late.length >= CloseOperation.lateCapacity) return CloseOperation.refuse(over)
  const by = command.caller === null ? null : command.caller.userId
  const workKey = event.workKey ?? ""
  const kept = {
    type: "LateResult",
    at: turn.nowMillis,
    from: session.state,
    by,
    operationId,
    workKey,
    orderId,
    owner: ownerNow(session, turn.facts.cart)
  } as const
  return {
    events: [kept],
    digests: [CloseOperation.lateDigest(operationId, late.length)],
    reply: (after) => {
      const changed = after.session as CheckoutSession
      const refused = Refusal.operationNotCurrent(changed, reason, true)
      return { requestId: "", replayed: false, session: copyOf(changed), refused }
    }
  }
}
