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
