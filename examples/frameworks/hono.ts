/**
 * Hono: the HTTP API of a checkout below a path with a parameter; and two routes of the shop's own. The cookie stands for the
 * shop's sign-in.
 */
import { serve } from "@hono/node-server"
import { Caller, Onelane } from "@onelane/sdk"
import { sseHeaders, toHttp, toSse, toWebHandler } from "@onelane/sdk/server"
import { Hono } from "hono"

const checkout = await Onelane.open({ storage: ":memory:" })

const callerOf = ({ headers }: Request): Caller.Caller | null => {
  const userId = /^user=(\w+)$/.exec(headers.get("cookie") ?? "")?.[1]
  return userId === undefined ? null : Caller.make(userId, ["buyer-checkout"])
}

const app = new Hono()
const api = toWebHandler(checkout, { authenticate: callerOf, basePath: "/shops/:shop/checkout" })

app.all("/shops/:shop/checkout/*", ({ req }) => api(req.raw))

app.post("/carts/:cart/cancel", async ({ json, req }) => {
  const caller = callerOf(req.raw)
  if (caller === null) return new Response(null, { status: 401 })
  const answer = await checkout.as(caller).cancel({ cartId: req.param("cart") })
  if (answer.ok) return json({ cancelled: answer.value.session?.id ?? null })
  const { body, headers, status } = toHttp(answer.error)
  return new Response(body, { headers, status })
})

app.get("/sessions/:session/changes", ({ req }) => {
  const caller = callerOf(req.raw)
  if (caller === null) return new Response(null, { status: 401 })
  const seen = req.header("last-event-id")
  const afterVersion = seen === undefined ? 0 : Number(seen)
  const changes = checkout.as(caller).changes({ checkoutSessionId: req.param("session"), afterVersion })
  return new Response(toSse(changes, { signal: req.raw.signal }), { headers: sseHeaders })
})

const server = serve({ fetch: app.fetch, port: Number(process.env.PORT ?? 0), hostname: "127.0.0.1" }, ({ port }) => {
  console.log(`listening at http://127.0.0.1:${port}`)
})

process.once("SIGTERM", async () => {
  // Ends streams and answers pending requests, so that no connection stays busy.
  await checkout.close()
  server.close()
})
