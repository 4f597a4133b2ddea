/**
 * CloseOperation: what CompleteTask, FailTask and ReleaseClaim have in common: the caller's rights (none are asked of the
 * engine itself), and the fence: only the running operation can be closed, so a late or second result changes nothing.
 */
import * as Exit from "effect/Exit"
import type { CheckoutError, InvalidCheckoutSessionId, InvalidInput } from "../errors/CheckoutError.js"
import * as Refusal from "../errors/Refusal.js"
import { wordMaxLength } from "../flow/TaskResult.js"
import { authorise } from "../ports/Guard.js"
import type { CheckoutSession } from "../session/CheckoutSession.js"
import { isSessionId } from "../session/Ids.js"
import type { SessionState } from "../session/SessionState.js"
import * as Input from "./Input.js"
import type { CommandOf, SessionTurn } from "./SessionCommand.js"

/** What the input may say: a session, its operation, and what a command adds. */
export const fieldsWith = <F extends Input.Fields>(more: F) => ({
  checkoutSessionId: Input.syntax,
  operationId: Input.textUpTo(wordMaxLength),
  ...more
})

/** Steps 2-3 for an operation with these fields. */
export const checkWith =
  (fields: Input.Fields) =>
  (input: { readonly checkoutSessionId: string }): InvalidInput | InvalidCheckoutSessionId | null =>
    Input.accept(input, fields) ?? (isSessionId(input.checkoutSessionId) ? null : Refusal.invalidCheckoutSessionId)

interface Claimed {
  readonly nextState: string
  readonly workKey: string
}

/** The claimed session whose running operation the command names, or why not. */
export const current = (
  state: SessionState,
  command: CommandOf<"CompleteTask" | "FailTask" | "ReleaseClaim">,
  turn: SessionTurn
): (CheckoutSession & Claimed) | Exit.Exit<never, CheckoutError> => {
  const { session } = state
  if (session === null) return Exit.fail(Refusal.sessionInaccessible)
  const denied = command.caller === null ? null : authorise(session, turn.facts.rights)
  if (denied !== null) return Exit.fail(denied)
  const { nextState, operationId, workKey } = session
  if (operationId !== command.operationId || nextState === null || workKey === null)
    return Exit.fail(Refusal.operationNotCurrent(session))
  return { ...session, nextState, workKey }
}
