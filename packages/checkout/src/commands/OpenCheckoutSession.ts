/**
 * OpenCheckoutSession: gets the live session of a cart, or creates one. The cart's actor (CartBehavior) decides which session
 * is the cart's; this file has the input and the session's rule.
 * Source: CONTRACT §5 (`checkoutSessionAction`: get or create).
 */

import * as Exit from "effect/Exit"
import type { InvalidCheckoutSessionId, InvalidData, InvalidInput, InvalidState } from "../errors/CheckoutError.js"
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
import type { JsonObject } from "../session/Json.js"
import type * as MergePatch from "../session/MergePatch.js"
import { closedReason, type SessionState } from "../session/SessionState.js"
import * as Input from "./Input.js"
import * as Proceeding from "./Proceeding.js"
import { answeredBefore, type Decide, digestsWith, type SessionReply, show } from "./SessionCommand.js"

/** Longest lifetime of a session: a year, in milliseconds. */
export const expiryMaxMillis = 31_536_000_000

/** The fields of the input. */
export const fields = {
  cartId: Input.textUpTo(opaqueIdMaxLength),
  initialState: Input.optionalTextUpTo(stateMaxLength),
  checkoutSessionId: Input.optionalSyntax,
  expiresInMillis: Input.optionalWhole(1, expiryMaxMillis),
  again: Input.optionalFlag,
  ownerId: Input.optionalTextUpTo(opaqueIdMaxLength),
  accountId: Input.optionalTextUpTo(opaqueIdMaxLength),
  storeId: Input.optionalTextUpTo(opaqueIdMaxLength),
  idempotencyKey: Input.optionalPlainUpTo(keyMaxLength),
  data: Input.optionalPatch
}

/** Copies the input. */
export const take = (input: OpenInput): OpenInput => Input.takeWithPatch(input, fields)

const opaque = ["cartId", "ownerId", "accountId", "storeId"] as const

/** The owner, account and store given by the opener; null if none is given. Unchecked. */
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

/** The action of an open: assigning a cart's owner needs a privileged caller. */
export const actionOf = (input: OpenInput): Action => (assignedBy(input) === null ? "open" : "assign-cart")

/** Steps 2-4 for an open. */
export const check = (flow: Flow, input: OpenInput): InvalidInput | InvalidCheckoutSessionId | InvalidState | null => {
  const invalid = Input.accept(input, fields) ?? Input.refusesPatch(flow, input.data)
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
 * Step 13a for a new session: its patch is merged into `{}`; without one, `{}` must be valid. Null where the flow declares no data.
 * Also checked before the cart's actor reserves the session, so that a refusal writes nothing.
 */
export const dataFor = (
  { data: schema }: Flow,
  given: MergePatch.Taken | null | undefined
): { readonly patch: JsonObject | null } | Exit.Exit<never, InvalidData> => {
  if (schema === null) return { patch: null }
  const patch = given ?? {}
  const merged = schema.merge(null, patch)
  return "reason" in merged ? Exit.fail(Refusal.invalidData(merged, null)) : { patch: patch as JsonObject }
}

/**
 * Returns a new session, the session that this key opened (as it was then), the live one, or a refusal that makes the opener
 * use another id: the session is closed or belongs to another cart. A session reserved by this very key is shown even if closed.
 */
export const decide: Decide<"Open"> = (flow, state, command, turn) => {
  const { session } = state
  const { requestId, caller, isKnown = false, lifeMillis, use = null } = command
  const answered = use === null ? null : answeredBefore(turn, use)
  if (answered !== null) return answered
  const at = turn.nowMillis
  const expiresAt = lifeMillis === null ? null : at + lifeMillis
  if (session === null) {
    const data = dataFor(flow, command.data)
    if ("_tag" in data) return data
    const patch = data.patch === null ? undefined : { data: data.patch }
    const { cart } = command
    const kept = { workKeys: state.workKeys, followUps: 0 }
    const coming = { at, version: 1, origin: requestId, cart, cartChanged: false, kept }
    const { proceeded, to, ...more } = Proceeding.arrive(flow, command.session.state, coming)
    const opened = {
      type: "Opened",
      at,
      by: caller.userId,
      requestId,
      use,
      ...command.session,
      expiresAt,
      ...patch
    } as const
    const event = proceeded === undefined ? opened : { ...opened, ...more, state: to, proceeded }
    return { events: [event], digests: digestsWith(use), reply: (after) => openedBy(after, requestId, true) }
  }
  if (session.cartId !== command.session.cartId) return Exit.fail(Refusal.sessionInaccessible)
  const closed = closedReason(state, turn)
  if (closed !== null && isKnown) return show(session, requestId)
  if (closed !== null) return Exit.fail(Refusal.sessionClosed(session, closed))
  const owner = ownerNow(session, command.session)
  if (owner === null || command.assigns !== true) return show(shownNow(session, command.session), requestId)
  const event = { type: "OwnerChanged", at, from: session.state, by: caller.userId, requestId, owner } as const
  // The session existed before, even if its owner changes now.
  return { events: [event], reply: (after) => openedBy(after, requestId, false) }
}

const openedBy = (after: SessionState, requestId: string, created: boolean): SessionReply => ({
  requestId,
  replayed: false,
  created,
  session: copyOf(after.session as CheckoutSession)
})
