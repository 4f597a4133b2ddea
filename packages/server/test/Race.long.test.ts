/**
 * The race in its long form: runs against a correct checkout, and each planted fault from several seeds. ONELANE_RACE_RUNS says
 * how many runs; the figures in RELIABILITY.md are of 10,000.
 */
import { assert, describe, it } from "@effect/vitest"
import { manyRuns, untilFound } from "./race/Runs.js"
import * as StandIn from "./race/StandIn.js"

const runs = Number(process.env.ONELANE_RACE_RUNS ?? 1_000)

describe("race, at length", { timeout: 1_200_000 }, () => {
  it("race: many runs against a correct checkout raise no alarm", async () => {
    const [versions, none] = [
      await manyRuns(runs * 0.8, StandIn.adapter, 64),
      await manyRuns(runs * 0.2, StandIn.withoutVersions, 64)
    ]
    assert.deepStrictEqual([...versions.alarms, ...none.alarms], [])
    assert.isAtLeast(versions.correct + none.correct, runs / 2)
    assert.isAtLeast(versions.races + none.races, runs * 10)
  })

  it("race: every planted fault is found from different seeds", async () => {
    for (const fault of StandIn.faults) {
      for (let run = 0; run < 4; run++) {
        const found = await untilFound(fault, StandIn.adapter, 60, 1 + run * 1_000)
        assert.strictEqual(found.outcome.verdict, "wrong", fault)
      }
    }
  })
})
