/** An app in TypeScript, of two files. */
import { defineApp, Flow } from "@onelane/sdk"
import { type Money, price } from "./typed-price.js"

const paid: Money = price

export default defineApp({
  flow: Flow.defineFlow({
    name: "typed",
    initial: "Basket",
    transitions: { Basket: ["Receipt"], Receipt: [] },
    tasks: { Basket: { run: () => ({ orderId: `order of ${paid.cents}` }) } }
  }),
  carts: {
    find: (id) => ({ id, storeId: "store", accountId: "account", ownerId: "ann", status: "Active" })
  }
})
