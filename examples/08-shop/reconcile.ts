/** Brings purchases to their end, wherever a crash has left them: the shop's tables say which, their sessions say where they are. */
import type { Checkout } from "@onelane/sdk"
import type { flow } from "./app.js"
import { crash } from "./crash.js"
import * as Orders from "./orders.js"

/**
 * The next step of one purchase. Any process may take it, at any time, twice or at once with another: each update names the
 * version that was read, and the order stands under the work key.
 */
export const goOn = async (checkout: Checkout<typeof flow>, purchase: Orders.Purchase): Promise<void> => {
  const checkoutSessionId = purchase.sessionId
  let session = await checkout.getOrThrow({ checkoutSessionId })
  if (session.isArchived || session.state === "Declined")
    return void (await Orders.settle(purchase, session.closedBy ?? "Declined"))
  if (session.isError) {
    // What the last try did is not known: the same work again, under the same key.
    const again = { expCurrentState: "Error", nextState: "Payment", expectedVersion: session.version } as const
    const answer = await checkout.update({ checkoutSessionId, ...again })
    if (!answer.ok) return // another process was first; the next round sees what became of it
    session = answer.value.session
  }
  if (!session.isProcessing) {
    crash("before claim")
    const paid = { expCurrentState: "Payment", nextState: "Receipt", expectedVersion: session.version } as const
    const asked = checkout.update({ checkoutSessionId, ...paid })
    crash("claim sent")
    await asked
  } else {
    // Its process may have died: an order that stands is the result. Without one the deadline leads to Error, and here again.
    const orderId = await Orders.find(session.workKey)
    if (orderId === undefined) return
    await checkout.completeTask({ checkoutSessionId, operationId: session.operationId!, orderId })
  }
}

/** One round over everything that is due. One purchase that fails does not hold up the others. */
export const reconcile = async (checkout: Checkout<typeof flow>): Promise<void> => {
  const rounds = await Promise.allSettled((await Orders.due()).map((purchase) => goOn(checkout, purchase)))
  for (const round of rounds) if (round.status === "rejected") console.error(String(round.reason))
}
