import { assert, describe, it } from "@effect/vitest"
import type { Operation } from "../src/History.js"
import { toSvg, toText } from "../src/TimeLine.js"
import type { Violation } from "../src/Verdict.js"

const call: Operation = { process: 0, session: "cs_1", action: "update", outcome: "ok", invoked: 0, returned: 1 }
const violation: Violation = {
  session: "cs_1",
  rule: "double win",
  operations: [
    { ...call, expected: "Start", next: "A&B", returned: 20, observed: { version: 2, state: "A&B", next: null } },
    {
      ...call,
      process: 1,
      expected: "Start",
      next: "B",
      invoked: 10,
      returned: 30,
      observed: { version: 2 },
      requestId: "req_1"
    },
    { ...call, process: 2, expected: "A", next: "B", invoked: 15, outcome: "info", returned: 1e9 }
  ]
}

describe("TimeLine", () => {
  it("draws one row an operation, by rank of its instants, as text", () =>
    assert.strictEqual(
      toText(violation),
      [
        "cs_1: double win, two calls were accepted for one visit of a state",
        "  p0   ├───────────┤          update Start → A&B: ok version 2, A&B",
        "  p1       ├───────────┤      update Start → B: ok version 2 req_1",
        "  p2           ├───────────╌  update A → B: unknown"
      ].join("\n")
    ))

  it("keeps a long text within a screen", () => {
    const operations = Array.from({ length: 200 }, (_, index) => ({ ...call, invoked: index, returned: index + 1 }))
    const lines = toText({ ...violation, operations })
      .split("\n")
      .slice(1)
    assert.isAtMost(Math.max(...lines.map((line) => line.length)), 80)
  })

  it("draws the same as a well-formed SVG document", () => {
    const svg = toSvg(violation)
    assert.strictEqual(svg.match(/<rect [^>]*rx=/g)?.length, 3)
    assert.strictEqual(svg.match(/<text /g)?.length, 8)
    assert.include(svg, "update Start → A&amp;B: ok version 2, A&amp;B")
    assert.include(svg, "stroke-dasharray")
    assert.isTrue(svg.startsWith("<svg ") && svg.trimEnd().endsWith("</svg>"))
  })
})
