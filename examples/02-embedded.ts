/** The engine inside your own program, over Promises. For a file instead of memory: `storage: "checkout.db"`. */
import { Onelane } from "@onelane/sdk"

const checkout = await Onelane.open({ storage: ":memory:" })

const { session } = await checkout.openOrThrow({ cartId: "cart-1" })
const update = () =>
  checkout.update({ checkoutSessionId: session.id, expCurrentState: "Start", nextState: "Inventory" })

for (const answer of await Promise.all([update(), update()])) {
  if (answer.ok) console.log(`accepted: the session is in ${answer.value.session.state}`)
  else console.log(`refused: ${answer.error._tag}, ${answer.error.message}`)
}

await checkout.close()
