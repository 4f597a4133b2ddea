/**
 * Reopening: decides what follows when the cart's session refuses an open. A cancelled or expired session is replaced.
 * A completed one is not, unless the opener wants a second order; a session id chosen by the host cannot bypass that.
 * Pure.
 */
import type { CheckoutError } from "../errors/CheckoutError.js"
import * as Refusal from "../errors/Refusal.js"
import type { Completed } from "./CartBehavior.js"

/** The facts: the refusing session, the id chosen by the host, and the cart's completed session. */
export interface Refused {
  readonly id: string
  readonly wantedId: string | null
  readonly again: boolean
  readonly remembered: Completed | null
}

/** Replace the session and keep `completed`, or answer the opener. */
export type Next =
  | { readonly step: "replace"; readonly completed: Completed | null }
  | { readonly step: "give back"; readonly error: CheckoutError }

/** The refusal of an id that belongs to another cart, or to one the opener may not see. */
export const taken = Refusal.invalidInput(["checkoutSessionId"], "This session id is taken.")

/** Returns whether to replace the session or to refuse the open. */
export const next = (error: CheckoutError, { again, id, remembered, wantedId }: Refused): Next => {
  const giveBack = (error: CheckoutError): Next => ({ step: "give back", error })
  const isWanted = id === wantedId
  switch (error._tag) {
    case "SessionClosed": {
      const { checkoutSessionId, orderId, reason } = error
      if (isWanted) return giveBack(error)
      if (reason !== "COMPLETED") return { step: "replace", completed: null }
      return again ? { step: "replace", completed: { checkoutSessionId, orderId } } : giveBack(error)
    }
    // The cart's actor names a session of another cart: an opener asked for an id that was taken.
    case "SessionInaccessible":
      if (remembered !== null && !again) return giveBack(Refusal.cartCompleted(remembered))
      return isWanted ? giveBack(taken) : { step: "replace", completed: remembered }
    default:
      return giveBack(error)
  }
}
