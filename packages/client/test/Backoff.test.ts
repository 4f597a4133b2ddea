import { assert, describe, it } from "@effect/vitest"
import * as fc from "effect/FastCheck"
import * as Backoff from "../src/Backoff.js"

describe("Backoff", () => {
  it("the longest pause doubles up to its bound, and no number of failures goes beyond", () => {
    const policy = { baseMillis: 50, maxMillis: 2_000 }
    assert.deepStrictEqual(
      [1, 2, 3, 7, 100, 10_000].map((failures) => Backoff.pauseMillis(policy, failures, 1)),
      [50, 100, 200, 2_000, 2_000, 2_000]
    )
  })

  it.prop(
    "jitter takes any part of a pause, and never what has to be waited for",
    [fc.integer({ min: 1, max: 100 }), fc.double({ min: 0, max: 1, noNaN: true }), fc.integer({ min: 0, max: 10_000 })],
    ([failures, jitter, atLeastMillis]) => {
      const policy = { baseMillis: 50, maxMillis: 2_000 }
      const floor = Math.min(policy.maxMillis, atLeastMillis)
      const pause = Backoff.pauseMillis(policy, failures, jitter, atLeastMillis)
      assert.isAtLeast(pause, floor)
      assert.isAtMost(pause, floor + Backoff.pauseMillis(policy, failures, 1))
      assert.strictEqual(Backoff.pauseMillis(policy, failures, 0, atLeastMillis), floor)
    },
    { fastCheck: { numRuns: 200 } }
  )
})
