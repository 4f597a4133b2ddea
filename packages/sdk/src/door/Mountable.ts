/**
 * Mountable: finds the engine behind a checkout of `open`, to serve it over HTTP.
 *
 * A checkout is identified by its `update` function, so a copy of it works too. The table is global to the process, so
 * it also works if a bundler includes this file twice.
 */
import type * as CheckoutEngine from "@onelane/checkout/CheckoutEngine"
import * as GlobalValue from "effect/GlobalValue"
import type { Behind } from "./Behind.js"

/** An engine in this process, and its lifetime. */
export interface Mountable {
  readonly engine: CheckoutEngine.CheckoutEngineShape
  readonly behind: Behind
}

/** The part of a checkout that identifies it. */
interface Known {
  readonly update: object
}

const table = GlobalValue.globalValue("@onelane/sdk/Mountable", () => new WeakMap<object, Mountable>())

/** Registers the engine of a checkout. */
export const put = ({ update }: Known, mountable: Mountable): void => void table.set(update, mountable)

/** The engine of a checkout; null if the checkout is not from `open`. */
export const of = (checkout: unknown): Mountable | null => {
  const update: unknown = Object(checkout).update
  return typeof update === "function" ? (table.get(update) ?? null) : null
}
