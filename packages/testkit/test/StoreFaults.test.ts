/** A disk that goes wrong under a real server. Every way is in StoreFaults.long.test.ts. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as StoreFaults from "../src/prove/StoreFaults.js"

describe("StoreFaults", () => {
  it.live(
    "a full disk heals under load, a failed sync ends the server; nothing answered is missing or comes back",
    () =>
      Effect.gen(function* () {
        const { history, kills, problems } = yield* StoreFaults.run({ seed: 3, faults: 2, only: ["full", "sync"] })
        assert.deepStrictEqual(problems, [])
        assert.isAtLeast(kills, 2)
        assert.isAbove(history.filter(({ outcome }) => outcome === "ok").length, 5)
      }),
    240_000
  )

  it.live(
    "a full file system heals, a second owner is refused by name",
    () =>
      Effect.gen(function* () {
        const real = yield* StoreFaults.runReal({ seed: 5, faults: 2 })
        assert.include([...real.struck], "owned")
        assert.deepStrictEqual(real.problems, [])
        assert.isAtLeast(real.kills, 2)
      }),
    240_000
  )
})
