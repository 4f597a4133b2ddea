/** A shop as an app: the work of its state takes SHOP_MILLIS, and writes to the file SHOP_LOG what it does. */
import { appendFileSync } from "node:fs"
import { defineApp, Flow } from "@onelane/sdk"

const note = (line) => appendFileSync(process.env.SHOP_LOG, `${line}\n`)

const pay = async ({ workKey }) => {
  note(`begun ${workKey}`)
  await new Promise((resolve) => setTimeout(resolve, Number(process.env.SHOP_MILLIS)))
  note(`paid ${workKey}`)
  return { orderId: "order-1" }
}

export default defineApp({
  flow: Flow.defineFlow({
    name: "shop",
    initial: "Basket",
    transitions: { Basket: ["Pay"], Pay: ["Receipt"], Receipt: [] },
    tasks: { Pay: { run: pay, deadlineMillis: 600_000 } }
  })
})
