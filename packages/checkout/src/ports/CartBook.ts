/**
 * CartBook: where the engine looks a cart up: in the port, and in the cart's own lane where the port leaves that to it. Owns
 * the reading of the lane as a cart; the lane itself is CartBehavior's.
 */
import { type ActorSystem, EffectRunner } from "@onelane/engine"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { Assigned, CartCommand, CartError, CartReply, CartState } from "../commands/CartBehavior.js"
import type { Overloaded, StorageUnavailable } from "../errors/CheckoutError.js"
import type { PortUnavailable } from "./Access.js"
import * as Caller from "./Caller.js"
import type { Cart, CartsShape } from "./Carts.js"

/** The lanes of all carts. */
export type CartLanes = ActorSystem.ActorSystem<
  CartState,
  CartCommand,
  CartReply,
  CartError,
  StorageUnavailable | Overloaded
>

type Answer<A> = Effect.Effect<A, PortUnavailable | StorageUnavailable | Overloaded>

/** A cart, and whether its lane is the book for it; `assigned`: whose the lane says it is, null for a cart nobody opened. */
export interface Located {
  readonly cart: Cart | null
  readonly isBooked: boolean
  readonly assigned: Assigned | null
}

/** Where a cart is looked up. */
export interface CartBook {
  /** The cart as it is now; null when there is none. */
  readonly find: (cartId: string) => Answer<Cart | null>
  /** The same, for an opener. */
  readonly locate: (cartId: string) => Answer<Located>
  /** Whether every cart is in its lane's book, and none is anywhere else. */
  readonly isComplete: boolean
  readonly assign: CartsShape["assign"]
  readonly kept: CartsShape["kept"]
}

/** The store, and the account, of a cart that was opened without one. */
const unnamed = { storeId: "store", accountId: "account" } as const

/** Makes the book over the port and the lanes. */
export const make = (port: CartsShape, lanes: Pick<CartLanes, "peek" | "read">): CartBook => {
  const { assign, book, kept: keptBuyers } = port
  const stateOf = (cartId: string): Answer<CartState> => {
    const state = lanes.peek(cartId)
    return state !== undefined ? Exit.succeed(state) : read(lanes, cartId)
  }
  const kept = (cartId: string): Answer<Located> =>
    EffectRunner.mapNow(stateOf(cartId), (state) => {
      const assigned = assignedOf(state, book === "all")
      return { cart: assigned === null ? null : cartOf(cartId, assigned), isBooked: true, assigned: state.assigned }
    })
  const locate = (cartId: string): Answer<Located> => {
    if (book === "all") return kept(cartId)
    return orElse(port.find(cartId), (cart) =>
      cart === null && book === "unknown" ? kept(cartId) : Exit.succeed({ cart, isBooked: false, assigned: null })
    )
  }
  return {
    find: book === undefined ? port.find : (cartId) => EffectRunner.mapNow(locate(cartId), ({ cart }) => cart),
    locate,
    isComplete: book === "all",
    assign,
    kept: keptBuyers
  }
}

// A lane refuses with an answer of the engine's own: it was asked nothing that a rule could refuse.
const read = (lanes: Pick<CartLanes, "read">, cartId: string): Answer<CartState> =>
  Effect.map(lanes.read(cartId), ({ state }) => state) as Answer<CartState>

const orElse = <A, B>(self: Answer<A>, f: (a: A) => Answer<B>): Answer<B> =>
  EffectRunner.isExit(self) && Exit.isSuccess(self) ? f(self.value) : Effect.flatMap(self, f)

// A cart that was opened while somebody else said whose it was is the host's, until it is given to somebody.
const assignedOf = ({ assigned, sessionId }: CartState, isComplete: boolean): Assigned | null =>
  assigned === null && sessionId !== null && isComplete ? hosts : assigned

/** What the host opens for nobody in particular is its own. */
export const hosts: Assigned = { ownerId: Caller.host.userId, accountId: null, storeId: null }

/** The cart that a lane's words describe. Nobody says anything of its status: it is active. */
export const cartOf = (id: string, { accountId, ownerId, storeId }: Assigned): Cart => ({
  id,
  storeId: storeId ?? unnamed.storeId,
  accountId: accountId ?? unnamed.accountId,
  ownerId,
  status: "Active",
  isGuest: accountId === null
})
