/** A route of the shop's own. */
import { toHttp } from "@onelane/sdk/server"
import { callerOf, shop } from "../../../../shop.js"

export const POST = async (request, { params }) => {
  const caller = callerOf(request)
  if (caller === null) return new Response(null, { status: 401 })
  const { checkout } = await shop()
  const answer = await checkout.as(caller).cancel({ cartId: (await params).cart })
  if (answer.ok) return Response.json({ cancelled: answer.value.session?.id ?? null })
  const { body, headers, status } = toHttp(answer.error)
  return new Response(body, { headers, status })
}
