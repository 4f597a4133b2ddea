import { assert, describe, it } from "@effect/vitest"
import { BoundedMap } from "@onelane/engine"
import * as fc from "effect/FastCheck"

describe("BoundedMap", () => {
  it.prop(
    "never holds more than its capacity, and answers what was set last or nothing",
    [
      fc.integer({ min: 2, max: 9 }),
      fc.array(fc.tuple(fc.integer({ min: 0, max: 20 }), fc.constantFrom("get", "set", "delete")))
    ],
    ([capacity, steps]) => {
      const map = BoundedMap.make<number, number>(capacity)
      const last = new Map<number, number>()
      steps.forEach(([key, what], step) => {
        if (what === "get") {
          const found = map.get(key)
          if (found !== undefined) assert.strictEqual(found, last.get(key))
        } else if (what === "set") {
          map.set(key, step)
          last.set(key, step)
          assert.strictEqual(map.get(key), step)
        } else {
          map.delete(key)
          last.delete(key)
        }
        assert.isAtMost(map.size(), capacity)
      })
    },
    { fastCheck: { numRuns: 200 } }
  )

  it("an entry in use stays, however many others come", () => {
    const map = BoundedMap.make<string, number>(10)
    map.set("hot", 1)
    for (let other = 0; other < 1_000; other++) {
      map.set(`other-${other}`, other)
      assert.strictEqual(map.get("hot"), 1)
    }
    assert.isUndefined(map.get("other-0"))
    map.clear()
    assert.isUndefined(map.get("hot"))
    assert.strictEqual(map.size(), 0)
  })

  it("without room it keeps nothing", () => {
    const map = BoundedMap.make<string, number>(0)
    map.set("a", 1)
    assert.isUndefined(map.get("a"))
  })
})
