import { assert, describe, it } from "@effect/vitest"
import { ticksOf, toSvg } from "../src/Plot.js"

const plot = {
  file: "x.svg",
  title: "Rate & size",
  x: "writers",
  y: "updates <a second>",
  log: { x: true, y: false },
  series: [
    {
      name: "ours",
      points: [
        [1, 0],
        [1_000, 500]
      ] as const
    }
  ]
}

describe("Plot", () => {
  it("puts ticks at powers of ten on a logarithmic axis, around the values", () => {
    assert.deepStrictEqual(ticksOf(3, 4_096, true), [1, 10, 100, 1_000, 10_000])
    assert.deepStrictEqual(ticksOf(1, 1_000, true), [1, 10, 100, 1_000])
    assert.deepStrictEqual(ticksOf(10, 10, true), [10, 100])
  })

  it("puts ticks at round steps on a linear axis", () => {
    assert.deepStrictEqual(ticksOf(0, 47, false), [0, 10, 20, 30, 40, 50])
    assert.deepStrictEqual(ticksOf(0, 0.3, false), [0, 0.1, 0.2, 0.3])
    assert.deepStrictEqual(ticksOf(0, 0, false), [0, 0.2])
  })

  it("draws points in their places, labels the axes, says which is logarithmic, and has a dark dress", () => {
    const svg = toSvg(plot)
    assert.include(svg, "M84.0 356.0L500.0 48.0")
    assert.include(svg, ">writers (log scale)<")
    assert.include(svg, ">updates &lt;a second&gt;<")
    assert.include(svg, ">Rate &amp; size<")
    assert.include(svg, "prefers-color-scheme: dark")
    assert.notMatch(svg, /NaN|undefined|Infinity/)
  })
})
