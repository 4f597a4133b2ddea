/** A flow of your own. The compiler knows it: a transition the flow does not have is a type error. */
import { Flow, Onelane } from "@onelane/sdk"

const flow = Flow.defineFlow({
  name: "digital",
  initial: "Cart",
  transitions: {
    Cart: ["Address", "Payment"], // nothing to ship: straight to Payment
    Address: ["Payment"],
    Payment: ["Done"],
    Done: [] // a state without followers closes the session
  }
})

await using checkout = await Onelane.open({ storage: ":memory:", flow })
const { session } = await checkout.openOrThrow({ cartId: "cart-1" })
const checkoutSessionId = session.id

await checkout.updateOrThrow({ checkoutSessionId, expCurrentState: "Cart", nextState: "Payment" })
// @ts-expect-error: Payment leads to Done only
const back = await checkout.update({ checkoutSessionId, expCurrentState: "Payment", nextState: "Cart" })
if (!back.ok && back.error._tag === "TransitionNotAllowed") console.log(`allowed: ${back.error.allowed.join(", ")}`)

const { session: done } = await checkout.updateOrThrow({
  checkoutSessionId,
  expCurrentState: "Payment",
  nextState: "Done"
})
console.log(`${done.state}, archived: ${done.isArchived}`)

// States that proceed: one update from Cart runs the work of Stock and of Price, and stays in Summary.
const work: Array<string> = []
const shop = Flow.defineFlow({
  name: "shop",
  initial: "Cart",
  transitions: { Cart: ["Stock"], Stock: ["Price"], Price: ["Summary"], Summary: ["Done"], Done: [] },
  proceed: { Stock: "Price", Price: "Summary" },
  tasks: { Stock: { run: () => void work.push("stock") }, Price: { run: () => void work.push("price") } }
})

await using store = await Onelane.open({ storage: ":memory:", flow: shop })
const { session: basket } = await store.openOrThrow({ cartId: "cart-2" })
await store.updateOrThrow({ checkoutSessionId: basket.id, expCurrentState: "Cart", nextState: "Stock" })
for await (const { followUp, from, to } of store.changes({ checkoutSessionId: basket.id, afterVersion: 1 })) {
  console.log(`${from} → ${to}, then ${followUp?.nextState ?? "a client decides"}`)
  if (followUp === null) break
}
console.log(`work done: ${work.join(", ")}`)
