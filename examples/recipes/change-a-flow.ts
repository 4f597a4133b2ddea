/** A flow that changes while sessions are live: the first deploy opens two sessions, the second one has other states. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Flow, Onelane } from "@onelane/sdk"

const folder = mkdtempSync(join(tmpdir(), "onelane-"))
const storage = join(folder, "checkout.db")

const first = Flow.defineFlow({
  name: "shop",
  initial: "Cart",
  transitions: { Cart: ["Gift Wrap", "Pay"], "Gift Wrap": ["Pay"], Pay: ["Done"], Done: [] }
})

const second = Flow.defineFlow({
  name: "shop",
  version: 2, // raised, because the states changed
  initial: "Cart",
  transitions: { Cart: ["Payment"], Payment: ["Done"], Done: [] },
  migrate: { Pay: "Payment" } // "Gift Wrap" is forgotten here
})

{
  await using checkout = await Onelane.open({ storage, flow: first })
  for (const [cartId, nextState] of [
    ["cart-1", "Pay"],
    ["cart-2", "Gift Wrap"]
  ] as const) {
    const { session } = await checkout.openOrThrow({ cartId, checkoutSessionId: cartId })
    await checkout.updateOrThrow({ checkoutSessionId: session.id, expCurrentState: "Cart", nextState })
  }
}

await using checkout = await Onelane.open({ storage, flow: second })
const paying = await checkout.getOrThrow({ checkoutSessionId: "cart-1" })
console.log(`cart-1 is in ${paying.state}, version ${paying.version}`)

const stranded = { checkoutSessionId: "cart-2", expCurrentState: "Cart", nextState: "Payment" } as const
const refused = await checkout.update(stranded)
if (!refused.ok && refused.error._tag === "StateRetired") console.log(`cart-2 is in ${refused.error.current.state}`)

const { session } = await checkout.moveOrThrow({ checkoutSessionId: "cart-2", state: "Cart", reason: "no more gifts" })
console.log(`cart-2 was moved to ${session.state}`)
await checkout.updateOrThrow(stranded)

for (const entry of await checkout.historyOrThrow({ checkoutSessionId: "cart-2" }))
  console.log(`${entry.version} ${entry.type} ${entry.to}${entry.reason === null ? "" : ` (${entry.reason})`}`)

rmSync(folder, { recursive: true })
