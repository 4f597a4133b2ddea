/** Follow a session: every committed change, in order, without polling. The stream ends when the session is closed. */
import { Onelane } from "@onelane/sdk"

await using checkout = await Onelane.open({ storage: ":memory:" })
const { session } = await checkout.openOrThrow({ cartId: "cart-1" })
const checkoutSessionId = session.id

const watching = (async () => {
  for await (const change of checkout.changes({ checkoutSessionId, afterVersion: 0 })) {
    console.log(`version ${change.version}: ${change.type}, ${change.from ?? "new"} → ${change.to ?? "closed"}`)
  }
  console.log("closed")
})()

await checkout.updateOrThrow({ checkoutSessionId, expCurrentState: "Start", nextState: "Shipping Address" })
await checkout.updateOrThrow({ checkoutSessionId, expCurrentState: "Shipping Address", nextState: "Inventory" })
await checkout.cancelOrThrow({ checkoutSessionId })
await watching
