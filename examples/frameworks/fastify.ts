/**
 * Fastify: the HTTP API of a checkout below a path with a parameter, as a plugin; and two routes of the shop's own. The cookie
 * stands for the shop's sign-in.
 */
import { Readable } from "node:stream"
import { Caller, Onelane } from "@onelane/sdk"
import { sseHeaders, toHttp, toNodeHandler, toSse } from "@onelane/sdk/server"
import { fastify } from "fastify"

const checkout = await Onelane.open({ storage: ":memory:" })

const callerOf = ({
  headers
}: {
  readonly headers: { readonly cookie?: string | undefined }
}): Caller.Caller | null => {
  const userId = /^user=(\w+)$/.exec(headers.cookie ?? "")?.[1]
  return userId === undefined ? null : Caller.make(userId, ["buyer-checkout"])
}

const app = fastify()
const api = toNodeHandler(checkout, { authenticate: callerOf, basePath: "/shops/:shop/checkout" })

app.register(
  async (scope) => {
    // Do not parse bodies here: the API reads and checks them itself.
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser("*", (_request, _payload, done) => done(null))
    scope.all("/*", (request, reply) => {
      reply.hijack()
      api(request.raw, reply.raw)
    })
  },
  { prefix: "/shops/:shop/checkout" }
)

app.post<{ Params: { cart: string } }>("/carts/:cart/cancel", async (request, reply) => {
  const caller = callerOf(request)
  if (caller === null) return reply.code(401).send()
  const answer = await checkout.as(caller).cancel({ cartId: request.params.cart })
  if (answer.ok) return { cancelled: answer.value.session?.id ?? null }
  const { body, headers, status } = toHttp(answer.error)
  return reply.code(status).headers(headers).send(body)
})

app.get<{ Params: { session: string } }>("/sessions/:session/changes", async (request, reply) => {
  const caller = callerOf(request)
  if (caller === null) return reply.code(401).send()
  const seen = request.headers["last-event-id"]
  const afterVersion = seen === undefined ? 0 : Number(seen)
  const changes = checkout.as(caller).changes({ checkoutSessionId: request.params.session, afterVersion })
  return reply.headers(sseHeaders).send(Readable.from(toSse(changes)))
})

console.log(`listening at ${await app.listen({ port: Number(process.env.PORT ?? 0), host: "127.0.0.1" })}`)

process.once("SIGTERM", async () => {
  // Ends streams and answers pending requests, so that no connection stays busy.
  await checkout.close()
  await app.close()
})
