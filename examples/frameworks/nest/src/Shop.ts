/** Shop: the checkout as Nest injects it, and who calls. The cookie stands for the shop's sign-in. */
import type { IncomingMessage } from "node:http"
import { Caller, Onelane } from "@onelane/sdk"

/** Opens the checkout of this shop. */
export const open = () => Onelane.open({ storage: process.env.SHOP_STORAGE ?? "checkout.db" })

/** The checkout. */
export type Shop = Awaited<ReturnType<typeof open>>

/** The token under which it is injected. */
export const shop = Symbol("shop")

/** Who calls, or nobody. */
export const callerOf = ({ headers }: IncomingMessage): Caller.Caller | null => {
  const userId = /^user=(\w+)$/.exec(headers.cookie ?? "")?.[1]
  return userId === undefined ? null : Caller.make(userId, ["buyer-checkout"])
}
