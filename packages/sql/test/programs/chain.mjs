/**
 * A program whose flow proceeds through five states with work, in pieces that a kill can come between. Every run of a task
 * writes a line to the ledger. Usage: chain <file> <ledger>
 */
import { appendFileSync } from "node:fs"
import { setTimeout } from "node:timers/promises"
import { Flow, Onelane } from "@onelane/sdk"

const [storage, ledger] = process.argv.slice(2)
const run = async ({ session, workKey, requestId }) => {
  appendFileSync(ledger, `${JSON.stringify([session.state, workKey, requestId])}\n`)
  await setTimeout(120)
}
const flow = Flow.defineFlow({
  name: "chain",
  initial: "Start",
  transitions: {
    Start: ["1"],
    1: ["2"],
    2: ["pass"],
    pass: ["3"],
    3: ["4"],
    4: ["5"],
    5: ["Screen"],
    Screen: ["Done"],
    Done: []
  },
  proceed: { 1: "2", 2: "pass", pass: "3", 3: "4", 4: "5", 5: "Screen" },
  tasks: { 1: { run }, 2: { run }, 3: { run }, 4: { run }, 5: { run } }
})
const checkout = await Onelane.open({ storage, flow })
const { session } = await checkout.openOrThrow({ cartId: "cart-1", checkoutSessionId: "s1" })
const checkoutSessionId = session.id
if (session.state === "Start")
  await checkout.updateOrThrow({ checkoutSessionId, expCurrentState: "Start", nextState: "1" })
while ((await checkout.getOrThrow({ checkoutSessionId })).isProcessing) await setTimeout(20)
const told = {
  session: await checkout.getOrThrow({ checkoutSessionId }),
  history: (await checkout.history({ checkoutSessionId })).value
}
process.stdout.write(`${JSON.stringify(told)}\n`)
await checkout.close()
