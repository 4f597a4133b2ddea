/** A disk that goes wrong under a real server. The long form is `npm run prove -- --only store`. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as StoreFaults from "../src/prove/StoreFaults.js"

describe("StoreFaults", () => {
  it.live(
    "a full disk heals under load, a failed write or sync ends the server, and nothing answered is missing or comes back",
    () =>
      Effect.gen(function* () {
        const { history, kills, problems } = yield* StoreFaults.run({ seed: 3, faults: 4 })
        assert.deepStrictEqual(problems, [])
        assert.isAtLeast(kills, 4)
        assert.isAbove(history.filter(({ outcome }) => outcome === "ok").length, 20)
        const told = history.filter(({ error }) => error === "StorageUnavailable")
        assert.deepStrictEqual([...new Set(told.map(({ outcome }) => outcome))].sort(), ["fail", "info"])
      }),
    120_000
  )
})
