/**
 * Carts: the port for a cart's owner, account, store and status. Asked first in every turn, because rights follow the
 * cart, not the session. Without a port the cart's own actor keeps them (CartBook). Source: CONTRACT §1 (cart status),
 * §3 steps 5-7 and 10, §7; the action page, requirement 4.
 */
import { EffectRunner } from "@onelane/engine"
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

/** Owner, account and store of a cart. */
export interface CartOwner {
  readonly storeId: string
  readonly accountId: string
  readonly ownerId: string
}

/** A cart, as far as checkout needs it. */
export interface Cart extends CartOwner {
  readonly id: string
  readonly status: CartStatus
  /**
   * Changes whenever the content of the cart changes: text of 1..255 characters, or a safe integer. Null or absent:
   * unknown.
   */
  readonly revision?: CartRevision | null | undefined
  /** True for a cart that was opened without an account (CartBook). */
  readonly isGuest?: boolean | undefined
}

/** A revision of a cart: equal revisions mean equal content. */
export type CartRevision = string | number

/** Longest revision of a cart, characters. */
export const revisionMaxLength = 255

/** Whether a value may be the revision of a cart. */
export const isRevision = (value: unknown): value is CartRevision =>
  typeof value === "string" ? value.length >= 1 && value.length <= revisionMaxLength : Number.isSafeInteger(value)

/** Whether a session of a cart in this status may be updated. */
export const isUpdatable = (status: CartStatus): boolean => status === "Active" || status === "Checkout"

/** The port; null when there is no such cart. An effect that is already an `Exit` costs a turn no suspension. */
export interface CartsShape {
  readonly find: (cartId: string) => Effect.Effect<Cart | null, PortUnavailable>
  /**
   * Which carts are kept by their own actor: `"all"`, or those `"unknown"` to `find` that a privileged caller opened
   * for an owner. Default: none; only `find` is used.
   */
  readonly book?: "all" | "unknown" | undefined
  /** Assigns a known cart to another owner. Default: not possible here. */
  readonly assign?: ((cartId: string, owner: CartOwner) => Effect.Effect<void, PortUnavailable>) | undefined
  /** Access to the buyer data that this port keeps. Default: Onelane erases nothing in this port. */
  readonly kept?: KeptBuyers | undefined
}

/** The buyer data kept by one of Onelane's own ports. */
export interface KeptBuyers {
  /** The carts that a user owns. */
  readonly cartsOf: (ownerId: string) => Effect.Effect<ReadonlyArray<string>, PortUnavailable>
  /**
   * Erases these carts and, unless null, the user with memberships and API keys. Returns the number of erased entries.
   */
  readonly erase: (cartIds: ReadonlyArray<string>, userId: string | null) => Effect.Effect<number, PortUnavailable>
}

/** The cart port. */
export class Carts extends Context.Tag("@onelane/checkout/Carts")<Carts, CartsShape>() {}

/**
 * Wraps a host's port: a cart is validated and copied as soon as it is returned, so the host may change it later. An
 * invalid answer counts as a failure.
 */
export const byValue = (carts: CartsShape): CartsShape => ({
  book: carts.book,
  find: (cartId) => EffectRunner.flatMapNow(carts.find(cartId), take),
  kept: carts.kept,
  assign: carts.assign === undefined ? undefined : (cartId, owner) => carts.assign!(cartId, { ...owner })
})

const nowhere = Exit.succeed(null)

const take = (answer: Cart | null | undefined): Exit.Exit<Cart | null, PortUnavailable> => {
  if (answer === null || answer === undefined) return nowhere
  const { id, storeId, accountId, ownerId, status, revision = null } = answer
  const cart: Cart = { id, storeId, accountId, ownerId, status, revision }
  const isKnown = cartStatuses.includes(status) && (revision === null || isRevision(revision))
  return isKnown && isText(id) && isText(storeId) && isText(accountId) && isText(ownerId)
    ? Exit.succeed(cart)
    : Exit.fail({ _tag: "PortUnavailable", port: "carts", cause: new TypeError("it must answer null or a cart") })
}

const isText = (value: unknown): boolean => typeof value === "string"

/**
 * A port without carts: each cart's actor keeps its owner, and every cart is active. For a host that keeps carts
 * elsewhere.
 */
export const layerTrusted: Layer.Layer<Carts> = Layer.succeed(Carts, { book: "all", find: () => nowhere })
