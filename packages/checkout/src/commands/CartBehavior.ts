/**
 * CartBehavior: the lane of one cart. It remembers which session is the cart's, so that two tabs which open at once get
 * the same one, and, where no port says it, whose the cart is. It knows nothing of the session itself: a closed one is
 * replaced by the next opener, who names it.
 */
import { Behavior } from "@onelane/engine"
import * as Exit from "effect/Exit"
import type { CheckoutError } from "../errors/CheckoutError.js"

/** Whose a cart is, as its lane was told; null: not said. */
export interface Assigned {
  readonly ownerId: string
  readonly accountId: string | null
  readonly storeId: string | null
}

/** Makes `sessionId` the cart's, unless it has another than `replacing`. What is to be replaced may be gone meanwhile. */
export interface Reserve {
  readonly tag: "Reserve"
  readonly sessionId: string
  readonly replacing: string | null
  /** Whose the opener found the cart to be, and whose it is from now on; null where a port keeps the cart. */
  readonly assign: { readonly from: Assigned | null; readonly to: Assigned } | null
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

/** The session of a cart, null before the first, whose the cart is, null where the lane was not told, and late successes. */
export interface CartState {
  readonly sessionId: string | null
  readonly assigned: Assigned | null
  readonly late: ReadonlyArray<LateSuccess & { readonly at: number }>
}

/** The cart got another session, or another owner. */
export interface Reserved {
  readonly type: "Reserved"
  readonly sessionId: string
  readonly assigned: Assigned | null
}

/** A late success is kept. */
export interface Kept {
  readonly type: "LateResult"
  readonly at: number
  readonly late: LateSuccess
}

/** What happened to a cart. */
export type CartEvent = Reserved | Kept

/** The cart's session; null when the cart is no longer whose the opener found it to be: nothing was reserved, look again. */
export type Reservation = string | null

/** The actor of one cart. */
export const cartBehavior: Behavior.Behavior<CartState, CartCommand, CartEvent, Reservation, CheckoutError, void> = {
  kind: "cart",
  initial: { sessionId: null, assigned: null, late: [] },
  prepare: () => Exit.void,
  digestsOf: () => Behavior.noDigests,
  decide: (state, command, turn) =>
    command.tag === "Keep" ? keep(state, command, turn.nowMillis) : reserve(state, command),
  evolve: (state, event) =>
    event.type === "Reserved"
      ? { sessionId: event.sessionId, assigned: event.assigned, late: state.late }
      : {
          sessionId: state.sessionId,
          assigned: state.assigned,
          late: [...state.late, { ...event.late, at: event.at }].slice(-lateCapacity)
        },
  decode: (stored) => {
    const { assigned = null, late, sessionId } = stored as Partial<CartState>
    const isCart = (typeof sessionId === "string" || sessionId === null) && Array.isArray(late)
    if (!isCart || (assigned !== null && typeof assigned.ownerId !== "string"))
      throw new Error("stored value is not the state of a cart")
    return { sessionId, assigned, late }
  },
  alarm: () => null
}

type Decision = Behavior.Decision<CartState, CartEvent, string | null>

const reserve = (state: CartState, { assign, replacing, sessionId: wanted }: Reserve): Decision => {
  if (assign !== null && !isSame(state.assigned, assign.from)) return { events: [], reply: () => null }
  const sessionId = state.sessionId === null || state.sessionId === replacing ? wanted : state.sessionId
  const assigned = assign === null ? state.assigned : assign.to
  const changes = sessionId !== state.sessionId || !isSame(assigned, state.assigned)
  return { events: changes ? [{ type: "Reserved", sessionId, assigned }] : [], reply: () => sessionId }
}

const keep = (state: CartState, { late }: Keep, at: number): Decision => {
  const isKept = state.late.some((one) => one.operationId === late.operationId && one.orderId === late.orderId)
  return { events: isKept ? [] : [{ type: "LateResult", at, late }], reply: () => state.sessionId }
}

const isSame = (one: Assigned | null, other: Assigned | null): boolean =>
  one === other ||
  (one !== null &&
    other !== null &&
    one.ownerId === other.ownerId &&
    one.accountId === other.accountId &&
    one.storeId === other.storeId)
