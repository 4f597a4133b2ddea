/**
 * CartBehavior: the lane of one cart. It remembers which session is the cart's, so that two tabs which open at once get
 * the same one. It knows nothing of the session itself: a closed one is replaced by the next opener, who names it.
 */
import { Behavior } from "@onelane/engine"
import * as Exit from "effect/Exit"
import type { CheckoutError } from "../errors/CheckoutError.js"

/** Makes `sessionId` the cart's, unless it has another than `replacing`. What is to be replaced may be gone meanwhile. */
export interface Reserve {
  readonly sessionId: string
  readonly replacing: string | null
}

/** The session of a cart, null before the first. */
export interface CartState {
  readonly sessionId: string | null
}

/** The cart got another session. */
export interface Reserved {
  readonly type: "Reserved"
  readonly sessionId: string
}

/** The actor of one cart; its reply is the id of the cart's session. */
export const cartBehavior: Behavior.Behavior<CartState, Reserve, Reserved, string, CheckoutError, void> = {
  kind: "cart",
  initial: { sessionId: null },
  prepare: () => Exit.void,
  digestsOf: () => Behavior.noDigests,
  decide: (state, { sessionId, replacing }) =>
    state.sessionId === null || state.sessionId === replacing
      ? { events: [{ type: "Reserved", sessionId }], reply: () => sessionId }
      : { events: [], reply: () => state.sessionId as string },
  evolve: (_state, { sessionId }) => ({ sessionId }),
  decode: (stored) => {
    const { sessionId } = stored as Partial<CartState>
    if (typeof sessionId !== "string") throw new Error("stored value is not the state of a cart")
    return { sessionId }
  },
  alarm: () => null
}
