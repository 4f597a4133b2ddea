/**
 * CheckoutState: the names of the steps a session can be in. Spelling is exact and case-sensitive. Source: CONTRACT §1.
 * A host may replace the set with its own flow; `Error` always exists, and only the engine sets it.
 */

import { cut } from "./PlainText.js"

/**
 * The known states: those of the preset flows, in the order of the default one, and four steps around prices and
 * promotions that no preset has.
 */
export const checkoutStates = Object.freeze([
  "Start",
  "Shipping Address",
  "Inventory",
  "Pre-Pricing",
  "Confirm Price",
  "Post-Pricing",
  "Pre-Promotions",
  "Calculate Promotions",
  "Post-Promotions",
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

/** A known state (without `Error`). */
export type CheckoutState = (typeof checkoutStates)[number]

/** The state a failed task leaves a session in. */
export const errorState = "Error"

/** Longest state name, in characters. */
export const stateMaxLength = 30

// Control and format characters (zero width, direction), surrogates, line separators, and unassigned characters.
const unprintable = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u

/**
 * Returns why `name` is no valid state name, or null. Invisible characters are refused, so that names that look alike
 * are equal.
 */
export const stateFault = (name: string): string | null => {
  if (name.length < 1 || name.length > stateMaxLength) return `must have 1..${stateMaxLength} characters`
  if (unprintable.test(name)) return "must be printable: no control, invisible or broken characters"
  if (name !== name.trim()) return "must not begin or end with space"
  return name === name.normalize("NFC") ? null : "must be in Unicode normalization form C"
}

/** Quotes a name for printing: invisible characters are escaped, and it is cut to the longest name. */
export const shownState = (name: unknown): string => {
  const text = typeof name === "string" ? name : `a ${typeof name}`
  const shown = JSON.stringify(cut(text, stateMaxLength)).replace(new RegExp(unprintable, "gu"), escaped)
  return text.length > stateMaxLength ? `${shown} (and more)` : shown
}

const escaped = (character: string): string =>
  Array.from(
    { length: character.length },
    (_, at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, "0")}`
  ).join("")

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
