/** Real processes, killed. The long form is `npm run prove -- --only kills`. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { tallyOf } from "../src/Instrument.js"
import * as Kills from "../src/prove/Kills.js"

describe("Kills", () => {
  for (const kind of ["http", "sdk"] as const) {
    it.live(
      `a process reached by ${kind} and killed again and again keeps what it promised`,
      () =>
        Effect.gen(function* () {
          const { kills, history, problems } = yield* Kills.run({ kind, seed: 1, kills: 5 })
          assert.deepStrictEqual(problems, [])
          assert.isAtLeast(kills, 5)
          const { acknowledged, refused, unknown } = tallyOf(history, kills)
          assert.isAbove(acknowledged, 50)
          assert.isAbove(refused, 50)
          assert.isAbove(unknown, 10)
        }),
      120_000
    )
  }
})
