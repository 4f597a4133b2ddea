/** The behaviour suite through `Onelane.open`, on PostgreSQL and in a cluster: every call meets the next of two checkouts. */
import { CheckoutSuite } from "@onelane/testkit"
import * as Promised from "./Promised.js"
import { makeStorages } from "./Storages.js"

const storages = makeStorages()

for (const where of ["on PostgreSQL", "in a cluster"] as const)
  CheckoutSuite.run(`Onelane.open ${where}`, (flow) => Promised.suite(storages[where], flow, 2), { clock: "live" })
