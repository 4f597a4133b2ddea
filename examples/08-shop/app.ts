/**
 * The definition of the shop, for all its processes. Its one task charges and places the order, both under the work
 * key.
 */
import { defineApp, Flow, type Task } from "@onelane/sdk"
import { crash } from "./crash.js"
import * as Orders from "./orders.js"

/** The id of the charge; null if the provider declined. It charges once for each key. */
const charge = async (key: string, body: object, signal: AbortSignal): Promise<string | null> => {
  const headers = { "content-type": "application/json", "idempotency-key": key }
  const url = `${process.env.PROVIDER_URL}/charges`
  const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(body), signal })
  if (response.status === 402) return null
  if (!response.ok) throw { code: "PROVIDER", message: `status ${response.status}` }
  return await response.text()
}

const pay = async ({
  session,
  signal,
  workKey
}: Task.TaskContext): Promise<Task.TaskSuccess<"Receipt" | "Declined">> => {
  crash("claimed")
  const { cartId, cents } = await Orders.begin(session.id, workKey)
  crash("before charge")
  const chargeId = await charge(workKey, { cartId, cents }, signal)
  crash("charged")
  if (chargeId === null) return { next: "Declined" } // a result: Error then always means "not known"
  const orderId = await Orders.place({ workKey, sessionId: session.id, cents, chargeId })
  crash("ordered")
  setImmediate(() => crash("result sent"))
  return { orderId }
}

export const flow = Flow.defineFlow({
  name: "shop",
  initial: "Payment",
  transitions: { Payment: ["Receipt", "Declined"], Declined: ["Payment"], Receipt: [] },
  tasks: { Payment: { run: pay, deadlineMillis: Number(process.env.PAY_DEADLINE_MILLIS ?? 30_000) } }
})

export const app = defineApp({ flow })
