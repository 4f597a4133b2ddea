/** Ten times too many callers. The long form is `npm run prove -- --only overload`. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Overload from "../src/prove/Overload.js"

describe("Overload", () => {
  it.live(
    "ten times the room is refused in words, memory stays bounded, and the server recovers",
    () =>
      Effect.gen(function* () {
        const found = yield* Overload.instrument.run({ seed: 1, minutes: 1, short: true, progress: () => {} })
        assert.deepStrictEqual(found.failures, [])
        assert.isAbove(found.cases, 50)
      }),
    60_000
  )
})
