import { assert, describe, it } from "@effect/vitest"
import { seriesMax, toMermaid } from "../src/Plot.js"

type Series = { readonly name: string; readonly points: ReadonlyArray<readonly [number, number]> }

const plotOf = (...series: ReadonlyArray<Series>) => ({ title: 'Rate "of" us', x: "writers", y: "updates", series })
const ours: Series = { name: "ours", points: [[1, 0.123456], [1_000, 500]] } // biome-ignore format: as a table
const theirs: Series = { name: "theirs", points: [[1, 7], [1_000, 90]] } // biome-ignore format: as a table

describe("Plot", () => {
  it("toMermaid: the chart has its axes, a line for each series, and a sentence that names the colours", () => {
    assert.strictEqual(
      toMermaid(plotOf(ours, theirs)),
      `\`\`\`mermaid
%%{init: {"themeVariables": {"xyChart": {"plotColorPalette": "#0969da, #bc4c00"}}}}%%
xychart-beta
  title "Rate 'of' us"
  x-axis "writers" ["1", "1,000"]
  y-axis "updates" 0 --> 525
  line [0.1235, 500]
  line [7, 90]
\`\`\`

Blue: ours; orange: theirs.`
    )
  })

  it("toMermaid: series of other values of x, and more series than colours, are refused", () => {
    assert.throws(() => toMermaid(plotOf(ours, { name: "other", points: [[2, 1]] })), RangeError)
    assert.throws(() => toMermaid(plotOf(...Array.from({ length: seriesMax + 1 }, () => ours))), RangeError)
  })
})
