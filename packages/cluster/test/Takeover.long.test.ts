/** What becomes of the work of a node that is killed, of one that is paused, and of one that is sent away. */
import { describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { takeover } from "./LeavingNode.js"
import type * as TaskNode from "./TaskNode.js"

describe("the work of a node", () => {
  it.scopedLive(
    "that is killed is resumed elsewhere, once",
    () => takeover(({ process }) => Effect.sync(() => void process.kill("SIGKILL"))),
    180_000
  )

  it.scopedLive(
    "that is paused past its lease is resumed elsewhere, once, and what it does afterwards changes nothing",
    () =>
      Effect.gen(function* () {
        let paused: TaskNode.TaskNode | undefined
        yield* takeover((node) =>
          Effect.sync(() => {
            paused = node
            node.process.kill("SIGSTOP")
          })
        )
        paused?.process.kill("SIGCONT")
      }),
    180_000
  )

  it.scopedLive(
    "that is sent away is finished there or resumed elsewhere, once",
    () => takeover(({ process }) => Effect.sync(() => void process.kill("SIGTERM")), true),
    180_000
  )
})
