import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Overview from "../src/Overview.js"
import * as Page from "../src/Page.js"
import { render } from "../src/Report.js"
import * as Results from "../src/Results.js"
import { line, missing } from "../src/Row.js"

const machine = {
  cpu: "cpu",
  cores: 2,
  memoryGib: 8,
  kernel: "6",
  node: "v20",
  loadBefore: 1,
  versions: { effect: "3" }
}
const most = { bound: 1.5, side: "most" } as const

const measured = (id: string, ratio: number, date = "2026-01-01T00:00:00.000Z"): Results.Measured => ({
  id,
  title: `row ${id}`,
  date,
  seconds: 3,
  load: [1, 2],
  rounds: 5,
  scale: 1,
  machine,
  lines: [line(id, "ours | theirs", { median: ratio, low: ratio, high: ratio + 1 }, most)],
  tables: [{ title: "a table", columns: ["a", "b"], rows: [["1", "2"]] }],
  judged: 1_000
})

const failure = { id: "P2", date: "2026-01-02T00:00:00.000Z", why: "BadHistory\nmore" }

describe("Results", () => {
  it("says of each line whether its target is met", () => {
    const spread = { median: 1.5, low: 1, high: 2 }
    assert.strictEqual(line("P1", "x", spread, most).met, true)
    assert.strictEqual(line("P1", "x", { ...spread, median: 1.51 }, most).met, false)
    assert.strictEqual(line("P1", "x", spread, { bound: 1.5, side: "least" }).met, true)
    assert.strictEqual(line("P1", "x", { ...spread, median: 1.49 }, { bound: 1.5, side: "least" }).met, false)
    const unknown = missing("P8", "x", most, "no redis-server")
    assert.deepStrictEqual([unknown.met, unknown.ratio, unknown.note], [null, null, "no redis-server"])
  })

  it("lays a partial run over what was there; every row keeps its own date", () => {
    const before = { contests: [measured("P1", 1), measured("P2", 1), measured("P10", 1)], failures: [] }
    const after = Results.merge(before, { contests: [measured("P2", 2, "2026-02-02")], failures: [] })
    assert.deepStrictEqual(
      after.contests.map(({ id, date, lines }) => [id, date.slice(0, 10), lines[0]!.ratio]),
      [
        ["P1", "2026-01-01", 1],
        ["P2", "2026-02-02", 2],
        ["P10", "2026-01-01", 1]
      ]
    )
  })

  it("lets a failure take the old result away, and a result the old failure", () => {
    const failed = Results.merge({ contests: [measured("P2", 1)], failures: [] }, { contests: [], failures: [failure] })
    assert.deepStrictEqual(failed, { contests: [], failures: [failure] })
    const mended = Results.merge(failed, { contests: [measured("P2", 1)], failures: [] })
    assert.deepStrictEqual([mended.contests.length, mended.failures.length], [1, 0])
  })

  it("writes rows of { id, what, ratio, target, met, spread } and reads everything back", () => {
    const directory = mkdtempSync(join(tmpdir(), "onelane-results-"))
    try {
      assert.deepStrictEqual(Results.read(directory), Results.none)
      const results = { contests: [measured("P1", 1), measured("P9", 2)], failures: [failure] }
      Results.save(directory, results)
      assert.deepStrictEqual(Results.read(directory), results)
    } finally {
      rmSync(directory, { recursive: true })
    }
    const [row] = JSON.parse(Results.toJson({ contests: [measured("P1", 1)], failures: [] })).rows
    const spread = { low: 1, high: 2 }
    const wanted = { contest: "P1", id: "P1", what: "ours | theirs", ratio: 1, target: "≤ 1.5", met: true, spread }
    assert.deepStrictEqual(row, wanted)
  })

  it("prints every line with its target, and every failure", () => {
    const text = render({ contests: [measured("P1", 1), measured("P3", 2)], failures: [failure] })
    assert.deepStrictEqual(
      text.split("\n").map((each) => each.replace(/ +/g, " ")),
      ["P1 met 1 (1-2) ≤ 1.5 ours | theirs", "P3 NOT MET 2 (2-3) ≤ 1.5 ours | theirs", "P2 FAILED BadHistory"]
    )
  })

  it("becomes a page with the five headings, the machine, and date, load, rounds and scale of each row", () => {
    const other = { ...measured("P3", 2), machine: { ...machine, node: "v22" } }
    const page = Page.render({ contests: [measured("P1", 1), other], failures: [failure] })
    const headings = page.split("\n").filter((each) => each.startsWith("## "))
    assert.deepStrictEqual(headings, [
      "## What is measured",
      "## What is not measured",
      "## How",
      "## Results, with their spread",
      "## How to read, and how to add one"
    ])
    assert.include(page, "Machine 1: cpu, 2 cores, 8 GiB, Linux 6, Node v20. effect 3.")
    assert.include(page, "| P3 | ours \\| theirs | 2 (2-3) | ≤ 1.5 | NOT MET |")
    assert.include(
      page,
      "2026-01-01 00:00 UTC, machine 2, load 1 when it began and 2 when it ended; 5 rounds, scale 1, 3 s"
    )
    assert.include(page, "* **P2 failed** on 2026-01-02: BadHistory")
  })

  it("opens the page with figures of the tables, and leaves out what was not measured", () => {
    const racing = {
      title: "Racing on one session",
      columns: ["subject", "CPU ns an update"],
      rows: [
        ["onelane, Promise", "264 (260-448)"],
        ["async function, same answer", "160 (148-246)"]
      ]
    }
    const rows = Overview.rowsOf({ contests: [{ ...measured("P2", 1), tables: [racing] }], failures: [] })
    assert.deepStrictEqual(
      rows.map((row) => row.slice(0, 4)),
      [["An update in memory", "**264 ns**", "160 ns (async function, same answer)", "-"]]
    )
  })
})
