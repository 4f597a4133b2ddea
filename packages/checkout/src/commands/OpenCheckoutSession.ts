/**
 * OpenCheckoutSession: get the live session of a cart, or create one. The cart's own lane (CartBehavior) decides which
 * session id is the cart's; this file holds the input's form and what the session itself says.
 * Source: CONTRACT §5 (`checkoutSessionAction`: get or create).
 */
import * as Exit from "effect/Exit"
import type { InvalidCheckoutSessionId, InvalidInput, InvalidState } from "../errors/CheckoutError.js"
import * as Refusal from "../errors/Refusal.js"
import { type Flow, isFinal } from "../flow/Flow.js"
import type { OpenInput } from "../service/CheckoutSessions.js"
import { stateMaxLength } from "../session/CheckoutState.js"
import { isOpaqueId, isSessionId, opaqueIdMaxLength } from "../session/Ids.js"
import * as Input from "./Input.js"
import { accept, closedReason, type Decide, show } from "./SessionCommand.js"

/** Longest life of a session that is given one: a year, milliseconds. */
export const expiryMaxMillis = 31_536_000_000

/** What the input may say. */
export const fields = {
  cartId: Input.textUpTo(opaqueIdMaxLength),
  initialState: Input.optionalTextUpTo(stateMaxLength),
  checkoutSessionId: Input.optionalSyntax,
  expiresInMillis: Input.optionalWhole(1, expiryMaxMillis)
}

/** Steps 2-4 for an open. */
export const check = (flow: Flow, input: OpenInput): InvalidInput | InvalidCheckoutSessionId | InvalidState | null => {
  const invalid = Input.accept(input, fields)
  if (invalid !== null) return invalid
  if (!isOpaqueId(input.cartId)) return Refusal.invalidInput(["cartId"], "Not a valid value: cartId.")
  const id = input.checkoutSessionId ?? null
  if (id !== null && !isSessionId(id)) return Refusal.invalidCheckoutSessionId
  const initialState = input.initialState ?? null
  if (initialState === null) return null
  if (!flow.states.has(initialState))
    return Refusal.invalidState(["initialState"], "Not a state of the flow: initialState.")
  return isFinal(flow, initialState)
    ? Refusal.invalidState(["initialState"], "A session cannot begin in a final state: initialState.")
    : null
}

/** A new session, the live one, or a refusal that tells the opener to take another id: closed, or another cart's. */
export const decide: Decide<"Open"> = (_flow, state, command, turn) => {
  const { session } = state
  const { requestId, caller, lifeMillis } = command
  const at = turn.nowMillis
  const expiresAt = lifeMillis === null ? null : at + lifeMillis
  if (session === null)
    return accept({ type: "Opened", at, by: caller.userId, requestId, ...command.session, expiresAt }, requestId)
  if (session.cartId !== command.session.cartId) return Exit.fail(Refusal.sessionInaccessible)
  const closed = closedReason(state, turn)
  return closed === null ? show(session, requestId) : Exit.fail(Refusal.sessionClosed(session, closed))
}
