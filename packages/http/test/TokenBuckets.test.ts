import { assert, describe, it } from "@effect/vitest"
import * as TokenBuckets from "../src/core/TokenBuckets.js"

describe("TokenBuckets", () => {
  it("lets a burst through, then the average, and says how long to wait", () => {
    const { take } = TokenBuckets.make(10, 3)
    assert.deepStrictEqual(
      [0, 0, 0, 0].map((now) => take("ann", now)),
      [0, 0, 0, 100]
    )
    assert.strictEqual(take("ann", 99), 1)
    assert.strictEqual(take("ann", 100), 0)
    assert.strictEqual(take("bob", 100), 0)
    assert.deepStrictEqual(
      [10_000, 10_000, 10_000, 10_000].map((now) => take("ann", now)),
      [0, 0, 0, 100]
    )
  })
  it("takes many at once; more than there may be are owed, and the debt is not forgotten", () => {
    const { take } = TokenBuckets.make(10, 4, 2)
    assert.strictEqual(take("ann", 0, 3), 0)
    assert.strictEqual(take("ann", 0, 3), 200)
    assert.strictEqual(take("bob", 0, 20), 0)
    assert.strictEqual(take("bob", 400), 1_300)
    assert.strictEqual(take("ann", 400), 0)
    assert.strictEqual(take("bob", 1_699), 1)
    assert.strictEqual(take("bob", 1_700), 0)
  })
  it("gives nothing for a clock that was set back", () => {
    const { take } = TokenBuckets.make(1, 1)
    assert.strictEqual(take("ann", 5_000), 0)
    assert.strictEqual(take("ann", 1_000), 1_000)
  })
  it("forgets who did not call for long, and remembers no more than its capacity", () => {
    const { size, take } = TokenBuckets.make(1, 1, 3)
    for (const key of ["a", "b", "c", "d", "e"]) assert.strictEqual(take(key, 0), 0)
    assert.strictEqual(size(), 3)
    assert.isAbove(take("e", 0), 0)
    assert.strictEqual(take("f", 1_000), 0)
    assert.strictEqual(size(), 1)
  })
  it("costs nothing where there is no limit", () => {
    const { size, take } = TokenBuckets.make(Number.POSITIVE_INFINITY, 1)
    for (let call = 0; call < 10; call++) assert.strictEqual(take("ann", 0), 0)
    assert.strictEqual(size(), 0)
  })
})
