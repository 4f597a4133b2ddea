/** Send an update, lose the answer, and send it again under the same idempotency key: it is applied once. */
import { Onelane } from "@onelane/sdk"

await using checkout = await Onelane.open({ storage: ":memory:" })
const { session } = await checkout.openOrThrow({ cartId: "cart-1" })

const update = {
  checkoutSessionId: session.id,
  expCurrentState: "Start",
  nextState: "Inventory",
  idempotencyKey: "button-press-7f3a" // one key for each press of the button, kept through every retry
} as const

const first = await checkout.updateOrThrow(update)
const again = await checkout.updateOrThrow(update)
console.log(`first: replayed ${first.replayed}, version ${first.session.version}`)
console.log(`again: replayed ${again.replayed}, version ${again.session.version}`)
console.log(`one request: ${first.requestId === again.requestId}`)

const other = await checkout.update({ ...update, nextState: "Shipping Address" })
if (!other.ok) console.log(`another input under the same key: ${other.error._tag}, applied: ${other.error.applied}`)
