/** Bad input on the wire of a real server. The long form is `npm run prove -- --only fuzz`. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as WireFuzz from "../src/prove/WireFuzz.js"

describe("WireFuzz", () => {
  it.live(
    "no bad input is answered 5xx, hangs, or gets an error without a type",
    () =>
      Effect.gen(function* () {
        const { byStatus, problems } = yield* WireFuzz.run({ seed: 1, cases: 1_000 })
        assert.deepStrictEqual(problems, [])
        for (const status of [200, 400, 401, 404, 405, 409, 415])
          assert.isAbove(byStatus.get(status) ?? 0, 0, `${status}`)
      }),
    120_000
  )
})
