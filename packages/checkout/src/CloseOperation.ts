/**
 * CloseOperation: what CompleteTask, FailTask and ReleaseClaim have in common: the caller's rights (none are asked of the
 * engine itself), and the fence: only the running operation can be closed, so a late or second result changes nothing.
 */
import * as Exit from "effect/Exit"
import type { CheckoutError, InvalidCheckoutSessionId, InvalidInput } from "./CheckoutError.js"
import type { CheckoutSession } from "./CheckoutSession.js"
import { authorise } from "./Guard.js"
import { isSessionId } from "./Ids.js"
import * as Input from "./Input.js"
import * as Refusal from "./Refusal.js"
import type { CommandOf, SessionTurn } from "./SessionCommand.js"
import type { SessionState } from "./SessionState.js"

/** Longest operation id, order id, failure code and reason, characters. */
export const wordMaxLength = 255

/** Longest failure message, characters. */
export const messageMaxLength = 4_000

/** Steps 2-3 for an operation, with the fields a command adds. */
export const checkWith = (more: Input.Fields) => {
  const fields = { checkoutSessionId: Input.syntax, operationId: Input.textUpTo(wordMaxLength), ...more }
  return (input: { readonly checkoutSessionId: string }): InvalidInput | InvalidCheckoutSessionId | null =>
    Input.accept(input, fields) ?? (isSessionId(input.checkoutSessionId) ? null : Refusal.invalidCheckoutSessionId)
}

/** The claimed session whose running operation the command names, or why not. */
export const current = (
  state: SessionState,
  command: CommandOf<"CompleteTask" | "FailTask" | "ReleaseClaim">,
  turn: SessionTurn
): (CheckoutSession & { readonly nextState: string }) | Exit.Exit<never, CheckoutError> => {
  const { session } = state
  if (session === null) return Exit.fail(Refusal.sessionInaccessible)
  const denied = command.caller === null ? null : authorise(session, turn.facts.rights)
  if (denied !== null) return Exit.fail(denied)
  if (session.operationId !== command.operationId || session.nextState === null)
    return Exit.fail(Refusal.operationNotCurrent(session))
  return { ...session, nextState: session.nextState }
}
