/**
 * Carts: the port that says what a cart is and in which status. Read inside the turn.
 * Source: CONTRACT §1 (cart status) and §3 step 10; the action page, requirement 4.
 */
import { Running } from "@onelane/engine"
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import type { PortUnavailable } from "./Access.js"

/** Every status of a cart. */
export const cartStatuses = Object.freeze([
  "Active",
  "Checkout",
  "Processing",
  "PendingClosed",
  "Closed",
  "PendingDelete"
] as const)

/** The status of a cart. */
export type CartStatus = (typeof cartStatuses)[number]

/** A cart, as far as checkout asks: where it belongs and whether it may still move. */
export interface Cart {
  readonly id: string
  readonly storeId: string
  readonly accountId: string
  readonly ownerId: string
  readonly status: CartStatus
}

/** Whether a session of a cart in this status may be updated. */
export const isUpdatable = (status: CartStatus): boolean => status === "Active" || status === "Checkout"

/** The port; null when there is no such cart. An effect that is already an `Exit` costs a turn no suspension. */
export interface CartsShape {
  readonly find: (cartId: string) => Effect.Effect<Cart | null, PortUnavailable>
  /** Only its status, which is all that an update asks; null when there is no such cart. Default: what `find` says. */
  readonly statusOf?: ((cartId: string) => Effect.Effect<CartStatus | null, PortUnavailable>) | undefined
}

/** The cart port. */
export class Carts extends Context.Tag("@onelane/checkout/Carts")<Carts, CartsShape>() {}

/**
 * A port as an engine asks it: a cart is looked at and copied as soon as it is answered, so that whoever answered may go on
 * changing it. Another shape is no answer.
 */
export const byValue = (carts: CartsShape): CartsShape => ({
  find: (cartId) => Running.flatMapNow(carts.find(cartId), take),
  statusOf: carts.statusOf?.bind(carts)
})

const nowhere = Exit.succeed(null)

const take = (answer: Cart | null | undefined): Exit.Exit<Cart | null, PortUnavailable> => {
  if (answer === null || answer === undefined) return nowhere
  const { id, storeId, accountId, ownerId, status } = answer
  const cart: { readonly [Field in keyof Required<Cart>]: Cart[Field] } = { id, storeId, accountId, ownerId, status }
  return isText(id) && isText(storeId) && isText(accountId) && isText(ownerId) && cartStatuses.includes(status)
    ? Exit.succeed(cart)
    : Exit.fail({ _tag: "PortUnavailable", port: "carts", cause: new TypeError("it must answer null or a cart") })
}

const isText = (value: unknown): boolean => typeof value === "string"

const active = Exit.succeed<CartStatus>("Active")

/** Takes every cart id for an active cart of one store, account and owner: for a host that keeps carts elsewhere. */
export const layerTrusted: Layer.Layer<Carts> = Layer.succeed(Carts, {
  statusOf: () => active,
  find: (cartId) =>
    Exit.succeed({ id: cartId, storeId: "store", accountId: "account", ownerId: "host", status: "Active" })
})
