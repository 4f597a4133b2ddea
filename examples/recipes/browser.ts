/** Two tabs of one page: they talk to the shop's own server, which knows them by a cookie. */
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { connect } from "@onelane/client"
import { Onelane } from "@onelane/sdk"
import { toNodeHandler } from "@onelane/sdk/server"

// The server of the shop.
await using checkout = await Onelane.open({ storage: ":memory:" })
const api = toNodeHandler(checkout, {
  basePath: "/checkout",
  authenticate: ({ headers }) => (headers.cookie === "session=1" ? { userId: "ann", roles: ["buyer-checkout"] } : null)
})
const server = createServer(api).listen(0, "127.0.0.1")
await new Promise((resolve) => server.once("listening", resolve))
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/checkout`

// The page. In a browser `connect({ url: "/checkout" })` is enough: there `fetch` sends the cookie by itself.
const withCookie: typeof fetch = (to, init) =>
  fetch(to, { ...init, headers: { ...init?.headers, cookie: "session=1" } })
const tabs = [connect({ url, fetch: withCookie }), connect({ url, fetch: withCookie })] as const

const opened = await tabs[0].open({ cartId: "cart-1" })
if (!opened.ok) throw new Error(opened.error.message)
const checkoutSessionId = opened.value.session.id

const results = await Promise.all(
  tabs.map((tab) => tab.update({ checkoutSessionId, expCurrentState: "Start", nextState: "Shipping Address" }))
)
console.log(`${results.filter(({ ok }) => ok).length} of 2 tabs moved the session`)
for (const result of results)
  if (!result.ok && result.error._tag === "ExpectedStateMismatch")
    console.log(`the other is told: it is in ${result.error.current.state}, version ${result.error.current.version}`)

const stranger = await connect({ url }).get({ checkoutSessionId })
console.log(`a page without the cookie: ${stranger.ok ? "let in" : stranger.error._tag}`)

await checkout.close()
server.close()
