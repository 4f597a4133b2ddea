import { DirectoryMemory } from "@onelane/directory"
import { DirectorySuite } from "@onelane/testkit"
import { Effect, Layer } from "effect"

DirectorySuite.run(
  "DirectoryMemory",
  Effect.sync(() => Layer.fresh(DirectoryMemory.layer))
)
