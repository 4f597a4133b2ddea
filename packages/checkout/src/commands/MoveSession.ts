/**
 * MoveSession: an operator moves a session to a state of the flow, regardless of its transitions. For a session that is
 * stuck because the flow no longer has its state. The history records who did it and why. Source: CONTRACT §4.
 */
import * as Exit from "effect/Exit"
import type { InvalidCheckoutSessionId, InvalidInput, InvalidState } from "../errors/CheckoutError.js"
import * as Refusal from "../errors/Refusal.js"
import type { Flow } from "../flow/Flow.js"
import { messageMaxLength } from "../flow/TaskResult.js"
import { authorise, ownerNow } from "../ports/Guard.js"
import type { MoveInput } from "../service/CheckoutSessions.js"
import * as IdempotencyKey from "../session/IdempotencyKey.js"
import { isSessionId } from "../session/Ids.js"
import { closedReason } from "../session/SessionState.js"
import * as Input from "./Input.js"
import { isRetired } from "./MigrateSession.js"
import * as Proceeding from "./Proceeding.js"
import { accept, answeredBefore, type Decide, digestsWith } from "./SessionCommand.js"
import { waitMillis } from "./UpdateCheckoutSession.js"

/** The fields of the input. */
export const fields = {
  checkoutSessionId: Input.syntax,
  state: Input.text,
  reason: Input.textUpTo(messageMaxLength),
  expectedVersion: Input.optionalWhole(1, Number.MAX_SAFE_INTEGER),
  idempotencyKey: Input.optionalPlainUpTo(IdempotencyKey.keyMaxLength)
}

/** Steps 2-4: only a state of the flow; only a failed task leads to `Error`. */
export const check = (flow: Flow, input: MoveInput): InvalidInput | InvalidCheckoutSessionId | InvalidState | null => {
  const invalid = Input.accept(input, fields)
  if (invalid !== null) return invalid
  if (!isSessionId(input.checkoutSessionId)) return Refusal.invalidCheckoutSessionId
  return flow.states.has(input.state) ? null : Refusal.unknownState(["state"], flow.states)
}

/** Steps 5-9, the version, and no running task: release its claim first. A final state completes the session. */
export const decide: Decide<"Move"> = (flow, state, command, turn) => {
  const { session } = state
  const denied = authorise(session, turn.facts.rights)
  if (denied !== null || session === null) return Exit.fail(denied ?? Refusal.sessionInaccessible)
  const { caller, expectedVersion, reason, requestId, state: to, use } = command
  const answered = use === null ? null : answeredBefore(turn, use)
  if (answered !== null) return answered
  const closed = closedReason(state, turn)
  if (closed !== null) return Exit.fail(Refusal.sessionClosed(session, closed))
  if (expectedVersion !== null && expectedVersion !== session.version)
    return Exit.fail(Refusal.versionMismatch(session))
  const at = turn.nowMillis
  if (session.isProcessing) return Exit.fail(Refusal.sessionProcessing(session, waitMillis(state, at)))
  const { state: from } = session
  const { userId: by } = caller
  const arriving = Proceeding.arriveByCall(flow, state, session, to, turn, requestId)
  const retired = isRetired(flow, session) ? [from] : []
  const owner = ownerNow(session, turn.facts.cart)
  const event = { type: "Moved", at, by, requestId, from, reason, retired, use, owner, ...arriving } as const
  return accept(event, requestId, digestsWith(use))
}
