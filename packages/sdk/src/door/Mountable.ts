/**
 * Mountable: what stands behind a checkout of `open`, for those who put HTTP in front of it.
 *
 * A checkout is known by its `update`, so a copy of it is as good. Programs whose bundler takes this file along twice still find it:
 * the table is one for the process.
 */
import type * as CheckoutEngine from "@onelane/checkout/CheckoutEngine"
import * as GlobalValue from "effect/GlobalValue"
import type { Behind } from "./Behind.js"

/** An engine in this process, and its lifetime. */
export interface Mountable {
  readonly engine: CheckoutEngine.CheckoutEngineShape
  readonly behind: Behind
}

/** A checkout, by what it is known. */
interface Known {
  readonly update: object
}

const table = GlobalValue.globalValue("@onelane/sdk/Mountable", () => new WeakMap<object, Mountable>())

/** Remembers what stands behind a checkout. */
export const put = ({ update }: Known, mountable: Mountable): void => void table.set(update, mountable)

/** What stands behind a checkout; null unless `open` gave it. */
export const of = (checkout: unknown): Mountable | null => {
  const update: unknown = Object(checkout).update
  return typeof update === "function" ? (table.get(update) ?? null) : null
}
