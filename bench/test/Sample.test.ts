import { assert, describe, it } from "@effect/vitest"
import { cpuEach, percentile, perSecond, ratios, type Sample, spreadOf } from "../src/Sample.js"

const sample = (cpuNanos: number, wallNanos = cpuNanos): Sample => ({
  operations: 10,
  accepted: 10,
  refused: 0,
  cpuNanos,
  wallNanos
})

describe("Sample", () => {
  it("sums figures up by their middle, lowest and highest", () => {
    assert.deepStrictEqual(spreadOf([3, 1, 2]), { median: 2, low: 1, high: 3 })
    assert.deepStrictEqual(spreadOf([4, 1, 2, 3]), { median: 2.5, low: 1, high: 4 })
    assert.deepStrictEqual(spreadOf([7]), { median: 7, low: 7, high: 7 })
  })

  it("takes percentiles of sorted figures", () => {
    const sorted = Array.from({ length: 100 }, (_, index) => index)
    assert.deepStrictEqual(
      [0.5, 0.99, 1].map((share) => percentile(sorted, share)),
      [50, 99, 99]
    )
    assert.isNaN(percentile([], 0.5))
  })

  it("gives cost and rate of one operation", () => {
    assert.strictEqual(cpuEach(sample(1_000)), 100)
    assert.strictEqual(perSecond(sample(0, 1e9)), 10)
  })

  it("compares round by round, so that a slow spell of the machine cancels out", () => {
    const theirs = [sample(100), sample(1_000), sample(100)]
    const ours = [sample(150), sample(1_500), sample(150)]
    assert.deepStrictEqual(ratios(ours, theirs, cpuEach), { median: 1.5, low: 1.5, high: 1.5 })
  })
})
