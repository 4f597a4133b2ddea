/** Every way in which a disk goes wrong under a real server. Longer still is `npm run prove -- --only store`. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as StoreFaults from "../src/prove/StoreFaults.js"

describe("StoreFaults", () => {
  it.live(
    "a slow, hanging or full disk heals under load, a failed write or sync ends the server; nothing answered is missing or comes back",
    () =>
      Effect.gen(function* () {
        const { history, kills, problems } = yield* StoreFaults.run({ seed: 3, faults: 8 })
        assert.deepStrictEqual(problems, [])
        assert.isAtLeast(kills, 8)
        assert.isAbove(history.filter(({ outcome }) => outcome === "ok").length, 20)
        const told = history.filter(({ error }) => error === "StorageUnavailable")
        assert.deepStrictEqual([...new Set(told.map(({ outcome }) => outcome))].sort(), ["fail", "info"])
      }),
    240_000
  )

  it.live(
    "a server that goes on after its disk failed is found out",
    () =>
      Effect.gen(function* () {
        const { problems } = yield* StoreFaults.run({
          ...{ seed: 3, faults: 1, only: ["sync"], planted: ":memory:", endingMillis: 5_000 }
        })
        assert.deepStrictEqual(problems, ['it went on serving after "sync" of its disk'])
      }),
    120_000
  )

  it.live(
    "a full file system heals, a second owner, a damaged and a read-only file are refused by name",
    () =>
      Effect.gen(function* () {
        const real = yield* StoreFaults.runReal({ seed: 5, faults: 4 })
        // Where nobody may mount a file system, a full one is the shim's alone.
        assert.includeMembers([...real.struck], ["owned", "damaged"])
        assert.deepStrictEqual(real.problems, [])
        assert.isAtLeast(real.kills, 4)
      }),
    240_000
  )
})
