/** Shop: the checkout that Nest injects, and the current caller. The cookie stands for the shop's sign-in. */
import type { IncomingMessage } from "node:http"
import { Caller, Onelane } from "@onelane/sdk"

/** Opens the checkout of this shop. */
export const open = () => Onelane.open({ storage: process.env.SHOP_STORAGE ?? "checkout.db" })

/** The checkout. */
export type Shop = Awaited<ReturnType<typeof open>>

/** Its injection token. */
export const shop = Symbol("shop")

/** The caller, or null. */
export const callerOf = ({ headers }: IncomingMessage): Caller.Caller | null => {
  const userId = /^user=(\w+)$/.exec(headers.cookie ?? "")?.[1]
  return userId === undefined ? null : Caller.make(userId, ["buyer-checkout"])
}
