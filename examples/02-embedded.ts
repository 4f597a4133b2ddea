/** The engine inside your own program, over Promises. For a file instead of memory: `storage: "checkout.db"`. */
import { Onelane } from "@onelane/sdk"

await using checkout = await Onelane.open({ storage: ":memory:" })

const { session } = await checkout.openOrThrow({ cartId: "cart-1" })
const update = { checkoutSessionId: session.id, expCurrentState: "Start", nextState: "Inventory" } as const

for (const answer of await Promise.all([checkout.update(update), checkout.update(update)])) {
  if (answer.ok) console.log(`accepted: the session is in ${answer.value.session.state}`)
  else console.log(`refused: ${answer.error._tag}, ${answer.error.message}`)
}
