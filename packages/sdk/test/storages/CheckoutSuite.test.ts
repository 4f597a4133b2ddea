/** The behaviour suite through `Onelane.open`, in memory and on an SQLite file. PostgreSQL and a cluster: the long form. */
import { CheckoutSuite } from "@onelane/testkit"
import * as Promised from "./Promised.js"
import { makeStorages } from "./Storages.js"

const storages = makeStorages()

for (const where of ["in memory", "on an SQLite file"] as const)
  CheckoutSuite.run(`Onelane.open ${where}`, (flow) => Promised.suite(storages[where], flow, 1), { clock: "live" })
