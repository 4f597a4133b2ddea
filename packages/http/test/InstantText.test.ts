import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import { instantText } from "../src/contract/InstantText.js"

const edges = [0, 1, 999, 86_399_999, 86_400_000, 951_782_400_000, 253_402_300_799_999, 253_402_300_800_000, -1, 1.5]

describe("InstantText", () => {
  it.prop(
    "writes every instant as Date writes it",
    [FastCheck.oneof(FastCheck.integer({ min: -8.64e15, max: 8.64e15 }), FastCheck.integer({ min: 0, max: 4e12 }))],
    ([millis]) => assert.strictEqual(instantText(millis), new Date(millis).toISOString()),
    { fastCheck: { numRuns: 2_000 } }
  )

  it("at the edges, too; what is no instant throws", () => {
    for (const millis of edges) assert.strictEqual(instantText(millis), new Date(millis).toISOString())
    for (const none of [Number.NaN, 8.64e15 + 1]) assert.throws(() => instantText(none), RangeError)
  })
})
