/**
 * CartBook: looks carts up in the port, or in the cart's actor if the port does not keep the cart. Owns the conversion
 * of the actor's state to a cart; CartBehavior owns the actor.
 */
import { type ActorSystem, EffectRunner } from "@onelane/engine"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { Assigned, CartCommand, CartError, CartReply, CartState } from "../commands/CartBehavior.js"
import type { Overloaded, StorageUnavailable } from "../errors/CheckoutError.js"
import type { PortUnavailable } from "./Access.js"
import * as Caller from "./Caller.js"
import type { Cart, CartsShape } from "./Carts.js"

/** The actors of all carts. */
export type CartActors = ActorSystem.ActorSystem<
  CartState,
  CartCommand,
  CartReply,
  CartError,
  StorageUnavailable | Overloaded
>

type Answer<A> = Effect.Effect<A, PortUnavailable | StorageUnavailable | Overloaded>

/** A cart, and whether its actor keeps it. `assigned`: the owner kept there; null for a cart that was never opened. */
export interface Located {
  readonly cart: Cart | null
  readonly isBooked: boolean
  readonly assigned: Assigned | null
}

/** Looks carts up. */
export interface CartBook {
  /** Returns the present cart; null if there is none. */
  readonly find: (cartId: string) => Answer<Cart | null>
  /** The same with its origin, for an opener. */
  readonly locate: (cartId: string) => Answer<Located>
  /** Whether all carts are kept by their actors, and none by a port. */
  readonly isComplete: boolean
  readonly assign: CartsShape["assign"]
  readonly kept: CartsShape["kept"]
}

/** Default store and account of a cart that was opened without them. */
const unnamed = { storeId: "store", accountId: "account" } as const

/** Creates the book over the port and the actors. */
export const make = (port: CartsShape, actors: Pick<CartActors, "peek" | "read">): CartBook => {
  const { assign, book, kept: keptBuyers } = port
  const stateOf = (cartId: string): Answer<CartState> => {
    const state = actors.peek(cartId)
    return state !== undefined ? Exit.succeed(state) : read(actors, cartId)
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

// A read can fail with errors of the engine only: no rule is involved.
const read = (actors: Pick<CartActors, "read">, cartId: string): Answer<CartState> =>
  Effect.map(actors.read(cartId), ({ state }) => state) as Answer<CartState>

const orElse = <A, B>(self: Answer<A>, f: (a: A) => Answer<B>): Answer<B> =>
  EffectRunner.isExit(self) && Exit.isSuccess(self) ? f(self.value) : Effect.flatMap(self, f)

// A cart that was opened while a port kept its owner belongs to the host until it is assigned.
const assignedOf = ({ assigned, sessionId }: CartState, isComplete: boolean): Assigned | null =>
  assigned === null && sessionId !== null && isComplete ? hosts : assigned

/** Carts that the host opens without an owner belong to the host. */
export const hosts: Assigned = { ownerId: Caller.host.userId, accountId: null, storeId: null }

/** Creates a cart from an assignment. No status is kept, so it is active. */
export const cartOf = (id: string, { accountId, ownerId, storeId }: Assigned): Cart => ({
  id,
  storeId: storeId ?? unnamed.storeId,
  accountId: accountId ?? unnamed.accountId,
  ownerId,
  status: "Active",
  isGuest: accountId === null
})
