/**
 * A program that opens a checkout and never closes it. It says "end" when its own code is over, and must then end by itself
 * unless something is pending. Usage: idle <storage> <what is pending: nothing | crowd | task | watcher | host-task>; a crowd
 * is answered at once, from a thread over a file, and nothing is pending then
 */
import { Flow, Onelane } from "@onelane/sdk"

const [storage, pending] = process.argv.slice(2)
const say = (line) => process.stdout.write(`${line}\n`)
// The work holds nothing that keeps a process alive.
const work = () => new Promise((resolve) => setTimeout(resolve, 300).unref()).then(() => say("worked"))
const task = pending === "host-task" ? { deadlineMillis: 400 } : { run: work }
const flow = Flow.defineFlow({
  name: "short",
  initial: "Basket",
  transitions: { Basket: ["Pay"], Pay: ["Done"], Done: [] },
  tasks: { Pay: task }
})
const checkout = await Onelane.open({ storage, flow })
const { session } = await checkout.openOrThrow({ cartId: "cart-1" })
const checkoutSessionId = session.id
await checkout.updateOrThrow({ checkoutSessionId, expCurrentState: "Basket", nextState: "Pay" })
if (pending === "crowd") {
  const carts = Array.from({ length: 300 }, (_, index) => `cart-${index}`)
  await Promise.all(carts.map((cartId) => checkout.openOrThrow({ cartId })))
}
if (pending.endsWith("task")) {
  await checkout.updateOrThrow({ checkoutSessionId, expCurrentState: "Pay", nextState: "Done" })
}
if (pending === "watcher") {
  // Nobody waits for it: only the engine can keep the process alive.
  void (async () => {
    for await (const entry of checkout.changes({ checkoutSessionId })) say(entry.type)
  })()
}
process.on("exit", () => say("exit"))
say("end")
// Says from outside that the process has lived for a while, without keeping it alive.
setTimeout(async () => {
  say("still here")
  if (pending === "watcher") await checkout.cancelOrThrow({ checkoutSessionId })
}, 1_500).unref()
