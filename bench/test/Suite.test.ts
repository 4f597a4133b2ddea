import { assert, describe, it } from "@effect/vitest"
import { rows } from "../src/rows/index.js"
import { progressOn } from "../src/Suite.js"

const shown = (isTTY: boolean, steps: ReadonlyArray<readonly [number, string]>): ReadonlyArray<string> => {
  const written: Array<string> = []
  let now = 0
  const say = progressOn({ isTTY, write: (text) => written.push(text) }, () => now)
  for (const [at, progress] of steps) {
    now = at
    say(progress)
  }
  return written
}

describe("Suite", () => {
  it("has every row once, in order", () => {
    const ids = rows.map(({ id }) => Number(id.slice(1)))
    assert.deepStrictEqual(
      ids,
      [...ids].sort((a, b) => a - b)
    )
    assert.strictEqual(new Set(ids).size, ids.length)
    for (const wanted of [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 13, 14, 17, 20]) assert.include(ids, wanted)
  })

  it("shows progress in place on a terminal", () => {
    assert.deepStrictEqual(
      shown(true, [
        [0, "a"],
        [2_000, "b"],
        [3_000, ""]
      ]),
      ["\r\u001b[K  0 s  a", "\r\u001b[K  2 s  b", "\r\u001b[K"]
    )
  })

  it("shows progress by a line now and then elsewhere", () => {
    const lines = shown(false, [
      [0, "a"],
      [16_000, "b"],
      [17_000, "c"],
      [40_000, "d"],
      [60_000, ""]
    ])
    assert.deepStrictEqual(lines, ["  16 s  b\n", "  40 s  d\n"])
  })
})
