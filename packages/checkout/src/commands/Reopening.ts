/**
 * Reopening: what an opener does when the session its cart names refuses the open. A cancelled or expired session is replaced.
 * A completed one is not, unless the opener wants a second order; nor may an id of the host's own make a cart forget that it
 * was completed. Pure.
 */
import type { CheckoutError } from "../errors/CheckoutError.js"
import * as Refusal from "../errors/Refusal.js"
import type { Completed } from "./CartBehavior.js"

/** What the opener knows: the session that refused, the id it brings itself, and who completed the cart as its lane says. */
export interface Refused {
  readonly id: string
  readonly wantedId: string | null
  readonly again: boolean
  readonly remembered: Completed | null
}

/** To replace the session, remembering who completed the cart; or the answer to the opener. */
export type Next =
  | { readonly step: "replace"; readonly completed: Completed | null }
  | { readonly step: "give back"; readonly error: CheckoutError }

/** The id belongs to another cart, or to nobody this opener may know of. */
export const taken = Refusal.invalidInput(["checkoutSessionId"], "This session id is taken.")

/** Decides. */
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
    // The cart's lane names a session that is another cart's: its opener asked for that id in vain.
    case "SessionInaccessible":
      if (remembered !== null && !again) return giveBack(Refusal.cartCompleted(remembered))
      return isWanted ? giveBack(taken) : { step: "replace", completed: remembered }
    default:
      return giveBack(error)
  }
}
