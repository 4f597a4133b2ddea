/**
 * A program that opens a checkout and races another one like it. For each line, the id of a session, it sends one update and writes
 * what became of it. Usage: racer <storage> <"cluster" | "alone">
 */
import { createInterface } from "node:readline"
import { Flow, Onelane } from "@onelane/sdk"

const [storage, how] = process.argv.slice(2)
const flow = Flow.defineFlow({ name: "short", initial: "Basket", transitions: { Basket: ["Paid"], Paid: [] } })
const cluster = how === "cluster" ? { cluster: { address: "127.0.0.1:0" } } : {}
const checkout = await Onelane.open({ storage, flow, ...cluster })
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`)
say("ready")
for await (const checkoutSessionId of createInterface({ input: process.stdin })) {
  const answer = await checkout.update({ checkoutSessionId, expCurrentState: "Basket", nextState: "Paid" })
  say(answer.ok ? "won" : answer.error._tag)
}
await checkout.close()
