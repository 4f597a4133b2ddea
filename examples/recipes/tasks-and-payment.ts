/** Take a payment in a task: the first answer is lost, the session goes to Error and tries again, the money is taken once. */
import { Flow, Onelane, type Task } from "@onelane/sdk"

// A payment provider as there are many: it charges once for each idempotency key.
const charges = new Map<string, string>()
const charge = async (idempotencyKey: string): Promise<string> => {
  const made = charges.get(idempotencyKey) ?? `charge-${charges.size + 1}`
  charges.set(idempotencyKey, made)
  return made
}

let calls = 0
const payment: Task.Task = {
  deadlineMillis: 30_000,
  retry: { limit: 0 },
  run: async ({ session, workKey }) => {
    await charge(workKey) // the same key until the outcome is known
    calls += 1
    if (calls === 1) throw { code: "PROVIDER_TIMEOUT", message: "charged, but the answer was lost" }
    return { orderId: `order-of-${session.cartId}` }
  }
}

const short = Flow.defineFlow({ name: "short", initial: "Payment", transitions: { Payment: ["Done"], Done: [] } })
const flow = Flow.withTasks(short, { Payment: payment })

await using checkout = await Onelane.open({ storage: ":memory:", flow })
const { session } = await checkout.openOrThrow({ cartId: "cart-1" })
const checkoutSessionId = session.id
const pay = () => checkout.updateOrThrow({ checkoutSessionId, expCurrentState: "Payment", nextState: "Done" })

await pay()
for await (const change of checkout.changes({ checkoutSessionId, afterVersion: session.version })) {
  console.log(`${change.type}: ${change.from} → ${change.to}`)
  if (change.type === "TaskFailed")
    await checkout.updateOrThrow({ checkoutSessionId, expCurrentState: "Error", nextState: "Payment" })
  if (change.type === "Updated") await pay()
}
console.log(`provider called ${calls} times, charges made: ${charges.size}`)
