/** The large part of a state, in memory. */
import { Journal, JournalMemory } from "@onelane/engine"
import { BodySuite } from "@onelane/testkit"
import { Effect, Layer } from "effect"
import { nextTick } from "./fixture.js"

BodySuite.run("bodies in memory", JournalMemory.layer)

// Batches form, as over a disk.
const slow = Layer.sync(Journal.Journal, (): Journal.JournalShape => {
  const memory = JournalMemory.make()
  return { ...memory, immediate: false, append: (batch) => Effect.zipRight(nextTick, memory.append(batch)) }
})

BodySuite.run("bodies in memory, written in batches", slow)
