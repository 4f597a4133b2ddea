/**
 * ReadCheckoutSession: get, history and changes. A read is a turn like any other: it sees all acknowledged changes, and
 * its answer waits until the state it saw is durable.
 */

import * as Exit from "effect/Exit"
import type { InvalidCheckoutSessionId, InvalidInput } from "../errors/CheckoutError.js"
import * as Refusal from "../errors/Refusal.js"
import { authorise, shownNow } from "../ports/Guard.js"
import type { FindInput } from "../service/CheckoutSessions.js"
import { isOpaqueId, isSessionId, opaqueIdMaxLength, opaqueIds } from "../session/Ids.js"
import * as Input from "./Input.js"
import { type Decide, show } from "./SessionCommand.js"

/** Most history entries of one page. */
export const historyMaxEntries = 1_000

/** Default number of history entries per page. */
export const historyEntries = 100

/** The fields of a get. */
export const fields = { checkoutSessionId: Input.syntax }

/** The fields of changes. */
export const from = { ...fields, afterVersion: Input.optionalWhole(0, Number.MAX_SAFE_INTEGER) }

/** The fields of a history page. */
export const page = { ...from, limit: Input.optionalWhole(1, historyMaxEntries) }

const checkWith =
  (known: Input.Fields) =>
  (input: { readonly checkoutSessionId: string }): InvalidInput | InvalidCheckoutSessionId | null =>
    Input.accept(input, known) ?? (isSessionId(input.checkoutSessionId) ? null : Refusal.invalidCheckoutSessionId)

/** Steps 2-3 for a get. */
export const check = checkWith(fields)

/** The fields of a find. */
export const cart = { cartId: Input.textUpTo(opaqueIdMaxLength) }

/** Step 2 for a find. */
export const checkFind = (input: FindInput): InvalidInput | null =>
  Input.accept(input, cart) ??
  (isOpaqueId(input.cartId) ? null : Refusal.invalidInput(["cartId"], `cartId must be ${opaqueIds}.`))

/** Steps 2-3 for a history page. */
export const checkHistory = checkWith(page)

/** Steps 2-3 for changes. */
export const checkChanges = checkWith(from)

/** Steps 5-7, then the session as it is. */
export const decide: Decide<"Read"> = (_flow, state, _command, turn) => {
  const denied = authorise(state.session, turn.facts.rights)
  return denied !== null || state.session === null
    ? Exit.fail(denied ?? Refusal.sessionInaccessible)
    : show(shownNow(state.session, turn.facts.cart), "")
}
