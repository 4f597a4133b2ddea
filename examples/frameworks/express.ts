/**
 * Express: the HTTP API of a checkout below a path with a parameter, behind `express.json()`; and two routes of the shop's own.
 * The cookie stands for the shop's sign-in.
 */
import type { AddressInfo } from "node:net"
import { pipeline } from "node:stream/promises"
import { Caller, Onelane } from "@onelane/sdk"
import { sseHeaders, toHttp, toNodeHandler, toSse } from "@onelane/sdk/server"
import express from "express"

const checkout = await Onelane.open({ storage: ":memory:" })

const callerOf = ({
  headers
}: {
  readonly headers: { readonly cookie?: string | undefined }
}): Caller.Caller | null => {
  const userId = /^user=(\w+)$/.exec(headers.cookie ?? "")?.[1]
  return userId === undefined ? null : Caller.make(userId, ["buyer-checkout"])
}

const app = express()
app.use(express.json())
app.use("/shops/:shop/checkout", toNodeHandler(checkout, { authenticate: callerOf }))

app.post("/carts/:cart/cancel", async (request, response) => {
  const caller = callerOf(request)
  if (caller === null) return void response.sendStatus(401)
  const answer = await checkout.as(caller).cancel({ cartId: request.params.cart })
  if (answer.ok) return void response.json({ cancelled: answer.value.session?.id ?? null })
  const { body, headers, status } = toHttp(answer.error)
  response.writeHead(status, headers).end(body)
})

app.get("/sessions/:session/changes", async (request, response) => {
  const caller = callerOf(request)
  if (caller === null) return void response.sendStatus(401)
  const seen = request.get("last-event-id")
  const afterVersion = seen === undefined ? 0 : Number(seen)
  const changes = checkout.as(caller).changes({ checkoutSessionId: request.params.session, afterVersion })
  response.writeHead(200, sseHeaders).flushHeaders()
  // It rejects when the client disconnects, which is not an error.
  await pipeline(toSse(changes), response).catch(() => {})
})

const server = app.listen(Number(process.env.PORT ?? 0), "127.0.0.1", () => {
  console.log(`listening at http://127.0.0.1:${(server.address() as AddressInfo).port}`)
})

process.once("SIGTERM", async () => {
  // Ends streams and answers pending requests, so that no connection stays busy.
  await checkout.close()
  server.close()
})
