/**
 * OpenCheckoutSession: get the live session of a cart, or create one. The cart's own lane (CartBehavior) decides which
 * session id is the cart's; this file holds the input's form and what the session itself says.
 * Source: CONTRACT §5 (`checkoutSessionAction`: get or create).
 */

import * as Exit from "effect/Exit"
import type { InvalidCheckoutSessionId, InvalidInput, InvalidState } from "../errors/CheckoutError.js"
import * as Refusal from "../errors/Refusal.js"
import { type Flow, isFinal } from "../flow/Flow.js"
import type { Action } from "../ports/Access.js"
import type { CartOwner } from "../ports/Carts.js"
import { ownerNow, shownNow } from "../ports/Guard.js"
import type { OpenInput } from "../service/CheckoutSessions.js"
import { type CheckoutSession, copyOf } from "../session/CheckoutSession.js"
import { stateMaxLength } from "../session/CheckoutState.js"
import { keyMaxLength } from "../session/IdempotencyKey.js"
import { isOpaqueId, isSessionId, opaqueIdMaxLength, opaqueIds } from "../session/Ids.js"
import { closedReason, type SessionState } from "../session/SessionState.js"
import * as Input from "./Input.js"
import { answeredBefore, type Decide, digestsWith, type SessionReply, show } from "./SessionCommand.js"

/** Longest life of a session that is given one: a year, milliseconds. */
export const expiryMaxMillis = 31_536_000_000

/** What the input may say. */
export const fields = {
  cartId: Input.textUpTo(opaqueIdMaxLength),
  initialState: Input.optionalTextUpTo(stateMaxLength),
  checkoutSessionId: Input.optionalSyntax,
  expiresInMillis: Input.optionalWhole(1, expiryMaxMillis),
  again: Input.optionalFlag,
  ownerId: Input.optionalTextUpTo(opaqueIdMaxLength),
  accountId: Input.optionalTextUpTo(opaqueIdMaxLength),
  storeId: Input.optionalTextUpTo(opaqueIdMaxLength),
  idempotencyKey: Input.optionalPlainUpTo(keyMaxLength)
}

const opaque = ["cartId", "ownerId", "accountId", "storeId"] as const

/** Whose the cart is to be, as far as the opener says it; null when it says nothing. Unchecked. */
export const assignedBy = (input: OpenInput): Partial<CartOwner> | null => {
  const { accountId, ownerId, storeId } = Object(input) as OpenInput
  if ((accountId ?? ownerId ?? storeId ?? null) === null) return null
  return {
    ...(isGiven(ownerId) && { ownerId }),
    ...(isGiven(accountId) && { accountId }),
    ...(isGiven(storeId) && { storeId })
  }
}

const isGiven = (id: string | null | undefined): id is string => id !== undefined && id !== null

/** What the opener asks for: only a privileged caller may say whose a cart is. */
export const actionOf = (input: OpenInput): Action => (assignedBy(input) === null ? "open" : "assign-cart")

/** Steps 2-4 for an open. */
export const check = (flow: Flow, input: OpenInput): InvalidInput | InvalidCheckoutSessionId | InvalidState | null => {
  const invalid = Input.accept(input, fields)
  if (invalid !== null) return invalid
  const odd = opaque.filter((name) => isGiven(input[name]) && !isOpaqueId(input[name]))
  if (odd.length > 0) return Refusal.invalidInput(odd, `${odd.join(", ")} must be ${opaqueIds}.`)
  const id = input.checkoutSessionId ?? null
  if (id !== null && !isSessionId(id)) return Refusal.invalidCheckoutSessionId
  const initialState = input.initialState ?? null
  if (initialState === null) return null
  return flow.states.has(initialState) && !isFinal(flow, initialState)
    ? null
    : Refusal.unknownState(
        ["initialState"],
        [...flow.states].filter((state) => !isFinal(flow, state))
      )
}

/**
 * A new session, the one this key opened as it was then, the live one, or a refusal that tells the opener to take another id:
 * closed, or another cart's. A session that the cart's lane knows to be this key's is shown, closed or not.
 */
export const decide: Decide<"Open"> = (_flow, state, command, turn) => {
  const { session } = state
  const { requestId, caller, isKnown = false, lifeMillis, use = null } = command
  const answered = use === null ? null : answeredBefore(turn, use)
  if (answered !== null) return answered
  const at = turn.nowMillis
  const expiresAt = lifeMillis === null ? null : at + lifeMillis
  if (session === null) {
    const event = { type: "Opened", at, by: caller.userId, requestId, use, ...command.session, expiresAt } as const
    return { events: [event], digests: digestsWith(use), reply: (after) => openedBy(after, requestId, true) }
  }
  if (session.cartId !== command.session.cartId) return Exit.fail(Refusal.sessionInaccessible)
  const closed = closedReason(state, turn)
  if (closed !== null && isKnown) return show(session, requestId)
  if (closed !== null) return Exit.fail(Refusal.sessionClosed(session, closed))
  const owner = ownerNow(session, command.session)
  if (owner === null || command.assigns !== true) return show(shownNow(session, command.session), requestId)
  const event = { type: "OwnerChanged", at, from: session.state, by: caller.userId, requestId, owner } as const
  // The session was there before, whatever became of its owner.
  return { events: [event], reply: (after) => openedBy(after, requestId, false) }
}

const openedBy = (after: SessionState, requestId: string, created: boolean): SessionReply => ({
  requestId,
  replayed: false,
  created,
  session: copyOf(after.session as CheckoutSession)
})
