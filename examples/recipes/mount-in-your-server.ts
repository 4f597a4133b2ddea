/** Put a checkout into a server of your own: its HTTP API below a path, for the users that your server knows. */
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { Onelane } from "@onelane/sdk"
import { toNodeHandler } from "@onelane/sdk/server"

const checkout = await Onelane.open({ storage: ":memory:" })
const users = new Map([["session=1", "ann"]])

const api = toNodeHandler(checkout, {
  basePath: "/shop/checkout",
  authenticate: ({ headers }) => {
    const userId = users.get(headers.cookie ?? "")
    return userId === undefined ? null : { userId, roles: ["buyer-checkout"] }
  }
})

const server = createServer((request, response) => {
  if (request.url?.startsWith("/shop/checkout/")) api(request, response)
  else response.end("a page of the shop")
}).listen(0, "127.0.0.1")
await new Promise((resolve) => server.once("listening", resolve))
const shop = `http://127.0.0.1:${(server.address() as AddressInfo).port}/shop`

const post = (path: string, body: object, cookie = "session=1") =>
  fetch(shop + path, {
    method: "POST",
    headers: { cookie, "content-type": "application/json" },
    body: JSON.stringify(body)
  })

console.log(await (await fetch(shop)).text())
const stranger = await post("/checkout/v1/checkout-sessions", { cartId: "cart-1" }, "session=2")
console.log(`${stranger.status} for a stranger`)
const opened = await post("/checkout/v1/checkout-sessions", { cartId: "cart-1" })
const { session } = (await opened.json()) as { session: { id: string } }
console.log(`${opened.status} ${opened.headers.get("location")?.replace(session.id, "<id>")}`)

const update = () =>
  post(`/checkout/v1/checkout-sessions/${session.id}/update`, { expCurrentState: "Start", nextState: "Inventory" })
const answers = await Promise.all([update(), update()])
console.log(
  answers
    .map(({ status }) => status)
    .sort()
    .join(" and ")
)

await checkout.close()
server.close()
