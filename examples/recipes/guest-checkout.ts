/** A guest checks out, logs in, and keeps the session: the cart decides who owns it. */
import { Caller, Onelane } from "@onelane/sdk"

await using checkout = await Onelane.open({ storage: ":memory:" })
const buyer = (userId: string) => checkout.as(Caller.make(userId, ["buyer-checkout"]))

// The shop opens the cart for the guest: one call, no directory.
const { session } = await checkout.openOrThrow({ cartId: "cart-1", ownerId: "guest-17" })
const checkoutSessionId = session.id

const tryAs = async (userId: string, expCurrentState: "Start" | "Shipping Address"): Promise<void> => {
  const nextState = expCurrentState === "Start" ? "Shipping Address" : "Inventory"
  const answer = await buyer(userId).update({ checkoutSessionId, expCurrentState, nextState } as const)
  console.log(`${userId}: ${answer.ok ? `now in ${answer.value.session.state}` : answer.error._tag}`)
}

await tryAs("mallory", "Start")
await tryAs("guest-17", "Start")

// The guest logs in as ann: the shop moves the cart, and the session follows.
await checkout.openOrThrow({ cartId: "cart-1", ownerId: "ann" })
await tryAs("guest-17", "Shipping Address")
await tryAs("ann", "Shipping Address")

const { ownerId, state } = await checkout.getOrThrow({ checkoutSessionId })
console.log(`${state}, owned by ${ownerId}`)
