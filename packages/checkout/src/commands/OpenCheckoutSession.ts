/**
 * OpenCheckoutSession: gets the live session of a cart, or creates one. The cart's actor (CartBehavior) decides which
 * session is the cart's; this file has the input and the session's rule. Source: CONTRACT §5 (`checkoutSessionAction`:
 * get or create).
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
import * as MergePatch from "../session/MergePatch.js"
import type { SessionEvent } from "../session/SessionEvent.js"
import { closedReason, type SessionState } from "../session/SessionState.js"
import * as Input from "./Input.js"
import * as Proceeding from "./Proceeding.js"
import { answeredBefore, type CommandOf, type Decide, digestsWith, type SessionReply, show } from "./SessionCommand.js"

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

// An input that was copied: these fields and no others.
class TakenOpen implements OpenInput {
  readonly cartId: OpenInput["cartId"]
  readonly initialState: OpenInput["initialState"]
  readonly checkoutSessionId: OpenInput["checkoutSessionId"]
  readonly expiresInMillis: OpenInput["expiresInMillis"]
  readonly again: OpenInput["again"]
  readonly ownerId: OpenInput["ownerId"]
  readonly accountId: OpenInput["accountId"]
  readonly storeId: OpenInput["storeId"]
  readonly idempotencyKey: OpenInput["idempotencyKey"]
  readonly data: OpenInput["data"]
  constructor(input: OpenInput) {
    this.cartId = input.cartId
    this.initialState = input.initialState
    this.checkoutSessionId = input.checkoutSessionId
    this.expiresInMillis = input.expiresInMillis
    this.again = input.again
    this.ownerId = input.ownerId
    this.accountId = input.accountId
    this.storeId = input.storeId
    this.idempotencyKey = input.idempotencyKey
    const { data } = input
    this.data = data === undefined ? undefined : (MergePatch.take(data) as OpenInput["data"])
  }
}

/** Copies the input: each field is read once. Unknown fields keep their name, for the refusal. */
export const take = (input: OpenInput): OpenInput => {
  if (input instanceof TakenOpen) return input
  if (typeof input !== "object" || input === null || Array.isArray(input)) return input
  const taken = new TakenOpen(input)
  for (const name in input) if (!Object.hasOwn(taken, name)) return Input.nameUnknown({ ...taken }, input)
  return taken
}

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

// A fast check of the usual form, a cart and nothing else; any other input is checked field by field and explained. A
// copied input has no unknown names.
const isPlain = (input: OpenInput): boolean =>
  input instanceof TakenOpen &&
  typeof input.cartId === "string" &&
  isOpaqueId(input.cartId) &&
  input.initialState === undefined &&
  input.checkoutSessionId === undefined &&
  input.expiresInMillis === undefined &&
  input.again === undefined &&
  input.ownerId === undefined &&
  input.accountId === undefined &&
  input.storeId === undefined &&
  input.idempotencyKey === undefined &&
  input.data === undefined

// Null: all given ids are valid.
const oddIn = (input: OpenInput): ReadonlyArray<string> | null => {
  let odd: Array<string> | null = null
  for (const name of opaque) {
    const id = input[name]
    if (isGiven(id) && !isOpaqueId(id)) (odd ??= []).push(name)
  }
  return odd
}

/** Steps 2-4 for an open. */
export const check = (flow: Flow, input: OpenInput): InvalidInput | InvalidCheckoutSessionId | InvalidState | null => {
  if (isPlain(input)) return null
  const invalid = Input.accept(input, fields) ?? Input.refusesPatch(flow, input.data)
  if (invalid !== null) return invalid
  const odd = oddIn(input)
  if (odd !== null) return Refusal.invalidInput(odd, `${odd.join(", ")} must be ${opaqueIds}.`)
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
 * Step 13a for a new session: its patch is merged into `{}`; without one, `{}` must be valid. Null where the flow
 * declares no data. Also checked before the cart's actor reserves the session, so that a refusal writes nothing.
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
 * Returns a new session, the session that this key opened (as it was then), or the live one. A refusal makes the opener
 * use another id: the session is closed or belongs to another cart. A session reserved by this very key is shown even
 * if closed.
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
    const event = openedFrom(flow, state, command, at, expiresAt, data.patch)
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

// A literal with every field: the event is kept as long as the session, so it has no extra members.
const openedFrom = (
  flow: Flow,
  { workKeys }: SessionState,
  { caller, cart, requestId, session, use = null }: CommandOf<"Open">,
  at: number,
  expiresAt: number | null,
  data: JsonObject | null
): SessionEvent => {
  const { accountId, cartId, id, ownerId, state, storeId } = session
  const coming = { at, version: 1, origin: requestId, cart, cartChanged: false, kept: { workKeys, followUps: 0 } }
  const { archives, proceeded, to } = Proceeding.arrive(flow, state, () => coming)
  const opened = {
    type: "Opened",
    at,
    by: caller.userId,
    requestId,
    use,
    id,
    cartId,
    storeId,
    accountId,
    ownerId,
    state,
    expiresAt
  } as const
  const given = data === null ? opened : { ...opened, data }
  return proceeded === undefined ? given : { ...given, archives, state: to, proceeded }
}

const openedBy = (after: SessionState, requestId: string, created: boolean): SessionReply => ({
  requestId,
  replayed: false,
  created,
  session: copyOf(after.session as CheckoutSession)
})
