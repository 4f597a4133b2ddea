/** The behaviour suite, unchanged, on three nodes over one PostgreSQL: every call meets the next node. */
import { CheckoutSuite } from "@onelane/testkit"
import { Effect, Layer } from "effect"
import * as Nodes from "./Nodes.js"

const postgres = Nodes.postgresForThisFile()

CheckoutSuite.run(
  "a cluster",
  (flow) => Layer.unwrapEffect(Effect.map(postgres, (server) => Nodes.roundRobin(server, flow))),
  { clock: "live" }
)
