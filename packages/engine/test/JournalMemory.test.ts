import { JournalMemory } from "@onelane/engine"
import { JournalSuite } from "@onelane/testkit"
import { Effect, Layer } from "effect"

JournalSuite.run("JournalMemory", {
  makeLayer: Effect.sync(() => Layer.fresh(JournalMemory.layer)),
  survivesClosing: false
})
