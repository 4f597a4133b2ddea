/**
 * Completes purchases after a crash. The shop's tables list the due ones, and their sessions have the current state.
 */
import type { Checkout } from "@onelane/sdk"
import type { flow } from "./app.js"
import { crash } from "./crash.js"
import * as Orders from "./orders.js"

/**
 * The next step of one purchase. Any process may run it at any time, twice or concurrently: each update names the
 * version that was read, and an order is unique by its work key.
 */
export const goOn = async (checkout: Checkout<typeof flow>, purchase: Orders.Purchase): Promise<void> => {
  const checkoutSessionId = purchase.sessionId
  let session = await checkout.getOrThrow({ checkoutSessionId })
  if (session.isArchived || session.state === "Declined")
    return void (await Orders.settle(purchase, session.closedBy ?? "Declined"))
  if (session.isError) {
    // The outcome of the last try is unknown: retry the same work with the same key.
    const again = { expCurrentState: "Error", nextState: "Payment", expectedVersion: session.version } as const
    const answer = await checkout.update({ checkoutSessionId, ...again })
    if (!answer.ok) return // another process was first; the next round sees the outcome
    session = answer.value.session
  }
  if (!session.isProcessing) {
    crash("before claim")
    const paid = { expCurrentState: "Payment", nextState: "Receipt", expectedVersion: session.version } as const
    const asked = checkout.update({ checkoutSessionId, ...paid })
    crash("claim sent")
    await asked
  } else {
    // Its process may have died: an existing order is the result. Without one the deadline leads to Error, and back
    // here.
    const orderId = await Orders.find(session.workKey)
    if (orderId === undefined) return
    await checkout.completeTask({ checkoutSessionId, operationId: session.operationId!, orderId })
  }
}

/** One round over everything that is due. A purchase that fails does not stop the others. */
export const reconcile = async (checkout: Checkout<typeof flow>): Promise<void> => {
  const rounds = await Promise.allSettled((await Orders.due()).map((purchase) => goOn(checkout, purchase)))
  for (const round of rounds) if (round.status === "rejected") console.error(String(round.reason))
}
