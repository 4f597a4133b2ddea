/**
 * CancelCheckout: archives a session and frees its cart. Mailbox order decides against a completing task: the first
 * turn wins, and a later result is refused.
 */

import * as Exit from "effect/Exit"
import type { InvalidCheckoutSessionId, InvalidInput } from "../errors/CheckoutError.js"
import * as Refusal from "../errors/Refusal.js"
import { messageMaxLength } from "../flow/TaskResult.js"
import { authorise, ownerNow } from "../ports/Guard.js"
import type { CancelInput } from "../service/CheckoutSessions.js"
import * as IdempotencyKey from "../session/IdempotencyKey.js"
import { isOpaqueId, isSessionId, opaqueIdMaxLength, opaqueIds } from "../session/Ids.js"
import { closedReason } from "../session/SessionState.js"
import * as Input from "./Input.js"
import { accept, answeredBefore, type Decide, digestsWith } from "./SessionCommand.js"

/** The fields of the input. */
export const fields = {
  checkoutSessionId: Input.optionalSyntax,
  cartId: Input.optionalTextUpTo(opaqueIdMaxLength),
  expectedVersion: Input.optionalWhole(1, Number.MAX_SAFE_INTEGER),
  reason: Input.optionalTextUpTo(messageMaxLength),
  idempotencyKey: Input.optionalPlainUpTo(IdempotencyKey.keyMaxLength)
}

/** Steps 2-3: the input names exactly one of session and cart. */
export const check = (input: CancelInput): InvalidInput | InvalidCheckoutSessionId | null => {
  const invalid = Input.accept(input, fields)
  if (invalid !== null) return invalid
  const [id, cartId] = [input.checkoutSessionId ?? null, input.cartId ?? null]
  if (id === null && cartId === null) return Refusal.requiredFieldMissing(["checkoutSessionId"])
  if (id !== null && cartId !== null)
    return Refusal.invalidInput(["checkoutSessionId", "cartId"], "Name the session or its cart, not both.")
  if (cartId !== null && !isOpaqueId(cartId)) return Refusal.invalidInput(["cartId"], `cartId must be ${opaqueIds}.`)
  return id === null || isSessionId(id) ? null : Refusal.invalidCheckoutSessionId
}

/** Steps 5-9 and the version. */
export const decide: Decide<"Cancel"> = (_flow, state, command, turn) => {
  const { session } = state
  const denied = authorise(session, turn.facts.rights)
  if (denied !== null || session === null) return Exit.fail(denied ?? Refusal.sessionInaccessible)
  // The cart's actor may name a session of another cart: an opener asked for an id that was taken.
  if (command.cartId !== null && command.cartId !== session.cartId) return Exit.fail(Refusal.sessionInaccessible)
  const { use = null } = command
  const answered = use === null ? null : answeredBefore(turn, use)
  if (answered !== null) return answered
  const closed = closedReason(state, turn)
  if (closed !== null) return Exit.fail(Refusal.sessionClosed(session, closed))
  const { expectedVersion, caller, requestId } = command
  if (expectedVersion !== null && expectedVersion !== session.version)
    return Exit.fail(Refusal.versionMismatch(session))
  const { state: from, operationId, workKey } = session
  const { userId: by } = caller
  const owner = ownerNow(session, turn.facts.cart)
  const at = turn.nowMillis
  const why = typeof command.reason === "string" ? { reason: command.reason } : null
  const event = { type: "Cancelled", at, from, by, requestId, operationId, workKey, owner, use, ...why } as const
  return accept(event, requestId, operationId === null ? digestsWith(use) : digestsWith(use, operationId))
}
