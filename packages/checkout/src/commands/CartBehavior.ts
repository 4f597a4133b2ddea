/**
 * CartBehavior: the lane of one cart. It remembers which session is the cart's, so that two tabs which open at once get
 * the same one. It knows nothing of the session itself: a closed one is replaced by the next opener, who names it.
 */
import { Behavior } from "@onelane/engine"
import * as Exit from "effect/Exit"
import type { CheckoutError } from "../errors/CheckoutError.js"

/** Makes `sessionId` the cart's, unless it has another than `replacing`. What is to be replaced may be gone meanwhile. */
export interface Reserve {
  readonly tag: "Reserve"
  readonly sessionId: string
  readonly replacing: string | null
}

/** A task's success that came when its session was archived: an archived session never changes, so its cart keeps it. */
export interface LateSuccess {
  readonly checkoutSessionId: string
  readonly operationId: string
  readonly orderId: string | null
  readonly by: string | null
}

/** Keeps a late success. */
export interface Keep {
  readonly tag: "Keep"
  readonly late: LateSuccess
}

/** What the lane of a cart is asked. */
export type CartCommand = Reserve | Keep

/** Late successes a cart keeps; the oldest go first. */
export const lateCapacity = 16

/** The session of a cart, null before the first, and the late successes of its sessions. */
export interface CartState {
  readonly sessionId: string | null
  readonly late: ReadonlyArray<LateSuccess & { readonly at: number }>
}

/** The cart got another session. */
export interface Reserved {
  readonly type: "Reserved"
  readonly sessionId: string
}

/** A late success is kept. */
export interface Kept {
  readonly type: "LateResult"
  readonly at: number
  readonly late: LateSuccess
}

/** What happened to a cart. */
export type CartEvent = Reserved | Kept

/** The actor of one cart; its reply is the id of the cart's session. */
export const cartBehavior: Behavior.Behavior<CartState, CartCommand, CartEvent, string | null, CheckoutError, void> = {
  kind: "cart",
  initial: { sessionId: null, late: [] },
  prepare: () => Exit.void,
  digestsOf: () => Behavior.noDigests,
  decide: (state, command, turn) =>
    command.tag === "Keep" ? keep(state, command, turn.nowMillis) : reserve(state, command),
  evolve: (state, event) =>
    event.type === "Reserved"
      ? { sessionId: event.sessionId, late: state.late }
      : { sessionId: state.sessionId, late: [...state.late, { ...event.late, at: event.at }].slice(-lateCapacity) },
  decode: (stored) => {
    const { late, sessionId } = stored as Partial<CartState>
    if ((typeof sessionId !== "string" && sessionId !== null) || !Array.isArray(late))
      throw new Error("stored value is not the state of a cart")
    return { sessionId, late }
  },
  alarm: () => null
}

type Decision = Behavior.Decision<CartState, CartEvent, string | null>

const reserve = (state: CartState, { replacing, sessionId }: Reserve): Decision =>
  state.sessionId === null || state.sessionId === replacing
    ? { events: [{ type: "Reserved", sessionId }], reply: () => sessionId }
    : { events: [], reply: () => state.sessionId }

const keep = (state: CartState, { late }: Keep, at: number): Decision => {
  const isKept = state.late.some((one) => one.operationId === late.operationId && one.orderId === late.orderId)
  return { events: isKept ? [] : [{ type: "LateResult", at, late }], reply: () => state.sessionId }
}
