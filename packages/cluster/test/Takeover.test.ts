/** What becomes of the work of a node that is killed. Nodes that pause or leave are in Takeover.long.test.ts. */
import { describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { takeover } from "./LeavingNode.js"

describe("the work of a node", () => {
  it.scopedLive(
    "that is killed is resumed elsewhere, once",
    () => takeover(({ process }) => Effect.sync(() => void process.kill("SIGKILL"))),
    180_000
  )
})
