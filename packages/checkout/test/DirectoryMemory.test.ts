import { DirectoryMemory } from "@onelane/checkout"
import { DirectorySuite } from "@onelane/testkit"
import { Effect, Layer } from "effect"

DirectorySuite.run(
  "DirectoryMemory",
  Effect.sync(() => Layer.fresh(DirectoryMemory.layer))
)
