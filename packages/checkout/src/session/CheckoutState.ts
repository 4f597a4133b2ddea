/**
 * CheckoutState: the names of the steps a session can be in. Spelling is exact and case-sensitive.
 * Source: CONTRACT §1. A host may replace the set by a flow of its own; `Error` is always there and only the engine sets it.
 */

/** The fifteen states of the preset flows, in the order of the default one. */
export const checkoutStates = Object.freeze([
  "Start",
  "Shipping Address",
  "Inventory",
  "Confirm Price",
  "Calculate Promotions",
  "Shipping Cost",
  "Delivery Method",
  "Taxes",
  "Payment And Billing Address",
  "Checkout Summary",
  "Cart To Order",
  "Authorize Payment",
  "Activate Order",
  "Order Confirmation",
  "Complete"
] as const)

/** A state of the preset flows (without `Error`). */
export type CheckoutState = (typeof checkoutStates)[number]

/** The state a failed task leaves a session in. */
export const errorState = "Error"

/** Longest state name, in characters. */
export const stateMaxLength = 30

/** Preset states whose work runs in the background in the vendor's flows. Source: CONTRACT §1. */
export const backgroundStates = Object.freeze([
  "Inventory",
  "Confirm Price",
  "Calculate Promotions",
  "Shipping Cost",
  "Taxes",
  "Cart To Order",
  "Activate Order"
] as const satisfies ReadonlyArray<CheckoutState>)

/** A preset state with a background task. */
export type BackgroundState = (typeof backgroundStates)[number]
