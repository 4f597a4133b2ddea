/** A stream of the shop's own. */
import { sseHeaders, toSse } from "@onelane/sdk/server"
import { callerOf, shop } from "../../../../shop.js"

export const GET = async (request, { params }) => {
  const caller = callerOf(request)
  if (caller === null) return new Response(null, { status: 401 })
  const { checkout } = await shop()
  const seen = request.headers.get("last-event-id")
  const afterVersion = seen === null ? 0 : Number(seen)
  const changes = checkout.as(caller).changes({ checkoutSessionId: (await params).session, afterVersion })
  return new Response(toSse(changes, { signal: request.signal }), { headers: sseHeaders })
}
