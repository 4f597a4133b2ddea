/**
 * The checkout of this shop, and who calls it. Next takes this file along in the bundle of each route and evaluates it when it
 * builds: the checkout is therefore one for the process, and opened by the first request.
 */
import { Onelane } from "@onelane/sdk"
import { toWebHandler } from "@onelane/sdk/server"

const open = async () => {
  const checkout = await Onelane.open({ storage: process.env.SHOP_STORAGE ?? "checkout.db" })
  // Next ends by itself on SIGTERM, once no stream is open.
  process.once("SIGTERM", checkout.close)
  const api = toWebHandler(checkout, { authenticate: callerOf, basePath: "/shops/:shop/checkout" })
  return { checkout, api }
}

/** The open checkout, and its API. */
export const shop = () => {
  globalThis.onelaneShop ??= open()
  return globalThis.onelaneShop
}

/** Who calls; the cookie stands for the shop's sign-in. */
export const callerOf = ({ headers }) => {
  const userId = /^user=(\w+)$/.exec(headers.get("cookie") ?? "")?.[1]
  return userId === undefined ? null : { userId, roles: ["buyer-checkout"], actingAccountId: null }
}
