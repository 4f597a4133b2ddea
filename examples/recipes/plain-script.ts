/** Two tabs of a page without a framework: `watch` keeps what each of them shows. */
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { connect } from "@onelane/client"
import { watch } from "@onelane/client/watch"
import { Onelane } from "@onelane/sdk"
import { toNodeHandler } from "@onelane/sdk/server"

// The server of the shop: the cookie stands for its sign-in.
await using checkout = await Onelane.open({ storage: ":memory:" })
const api = toNodeHandler(checkout, {
  basePath: "/checkout",
  authenticate: ({ headers }) => ({ userId: headers.cookie ?? "nobody", roles: ["modify-all-data"] })
})
const server = createServer(api).listen(0, "127.0.0.1")
await new Promise((resolve) => server.once("listening", resolve))
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/checkout`
const { session } = await checkout.openOrThrow({ cartId: "cart-1" })

// The script of the page. In a browser `connect({ url: "/checkout" })` is enough: there `fetch` sends the cookie by itself.
const openTab = (cookie: string) =>
  watch(
    connect({ url, fetch: (to, init) => fetch(to, { ...init, headers: { ...init?.headers, cookie } }) }),
    session.id
  )
const [ann, bob] = [openTab("ann"), openTab("bob")] as const
await Promise.all([ann.refresh(), bob.refresh()])
console.log(`both pages show ${ann.get().state}`)

// Both press the same button.
for (const tab of [ann, bob]) {
  const step = tab.step("Inventory")
  console.log(`at once: ${tab.get().state}, pending: ${tab.get().pending !== null}`)
  await step
}
const { refused, state } = bob.get()
console.log(`Bob's page: ${refused?.winner?.by} was first; it is in ${state}`)

await checkout.close()
server.close()
