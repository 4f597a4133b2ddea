/** Power cuts on recorded runs. The long form is `npm run prove -- --only power`. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as PowerLoss from "../src/prove/PowerLoss.js"

describe("PowerLoss", () => {
  it.live(
    "every disk a power cut may leave opens and holds every acknowledged update",
    () =>
      Effect.gen(function* () {
        const outcome = yield* PowerLoss.run({ seed: 1, answers: 400, images: 100 })
        assert.deepStrictEqual([...outcome.unsound, ...outcome.lossy], [])
        assert.strictEqual(outcome.images, 100)
        assert.isAbove(outcome.syncs, 20)
        assert.isAbove(outcome.writes, 300)
      }),
    120_000
  )

  it.live(
    "finds a log that is not synced at every commit",
    () =>
      Effect.gen(function* () {
        const outcome = yield* PowerLoss.run({ seed: 1, answers: 300, images: 25, synchronous: "NORMAL" })
        assert.isAbove(outcome.lossy.length, 3)
      }),
    120_000
  )
})
