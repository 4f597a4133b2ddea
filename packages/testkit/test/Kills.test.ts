/** Real processes, killed. More is in Kills.long.test.ts, and in `npm run prove -- --only kills`. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { tallyOf } from "../src/Instrument.js"
import * as Kills from "../src/prove/Kills.js"

describe("Kills", () => {
  it.live(
    "a process that is killed again and again keeps what it promised",
    () =>
      Effect.gen(function* () {
        const { kills, history, problems } = yield* Kills.run({ kind: "http", seed: 1, kills: 3 })
        assert.deepStrictEqual(problems, [])
        assert.isAtLeast(kills, 3)
        const { acknowledged, refused, unknown } = tallyOf(history, kills)
        assert.isAbove(acknowledged, 10)
        assert.isAbove(refused, 10)
        assert.isAbove(unknown, 0)
      }),
    120_000
  )
})
