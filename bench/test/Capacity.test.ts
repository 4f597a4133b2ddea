import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import { tables } from "../src/capacity/Capacity.js"
import { type CellOptions, run } from "../src/capacity/Cell.js"

const page = readFileSync(fileURLToPath(new URL("../../docs/operate/SCALE.md", import.meta.url)), "utf8")

/** A runner over a database that costs nothing. */
const lone: CellOptions = {
  seed: 1,
  runners: 1,
  callsPerSecond: 4_000,
  runnerMicros: 100,
  forwardMicros: 0,
  shares: [1],
  databaseProcessors: 1,
  statementMicros: 0,
  rowMicros: 0,
  syncMicros: 0,
  roundTripMicros: 0,
  seconds: 5,
  killedAt: null,
  repeatMicros: 0
}

describe("Capacity", () => {
  it("gives the tables that stand in docs/operate/SCALE.md", { timeout: 120_000 }, () => {
    const { cells, division } = tables()
    assert.include(page, cells)
    assert.include(page, division)
  })

  it("waits as the theory of one queue says: not at all for most at two fifths of the load, 1.33 services in the mean", () => {
    const { busiestRunner, meanMillis, p50Millis } = run(lone)
    assert.approximately(busiestRunner, 0.4, 0.02)
    assert.approximately(p50Millis, 0.1, 1e-6)
    // Pollaczek-Khinchine, constant service: s + ρs / 2(1 - ρ).
    assert.approximately(meanMillis, 0.1 + (0.4 * 0.1) / (2 * 0.6), 0.003)
  })

  it("shows what is asked for more than it can: a queue that only grows", () => {
    const { p99Millis } = run({ ...lone, callsPerSecond: 12_000 })
    assert.isAbove(p99Millis, 500)
  })

  it("gathers more into a batch the longer the disk takes, and answers every call", () => {
    const options = { ...lone, callsPerSecond: 8_000, statementMicros: 500, rowMicros: 20 }
    const [quick, slow] = [run({ ...options, syncMicros: 500 }), run({ ...options, syncMicros: 5_000 })]
    assert.isAbove(slow.batchEntries, 2 * quick.batchEntries)
    assert.isAbove(slow.p50Millis, quick.p50Millis)
    assert.strictEqual(slow.calls, quick.calls)
  })

  it("answers every call of a runner that is killed, elsewhere", () => {
    const options = { ...lone, runners: 4, shares: [0.25, 0.25, 0.25, 0.25], callsPerSecond: 20_000 }
    assert.strictEqual(run({ ...options, killedAt: 2, repeatMicros: 200_000 }).calls, run(options).calls)
  })
})
