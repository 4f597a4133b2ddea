/** Runs of the race against a stand-in in this process. */
import type { Adapter } from "../../src/race/Adapter.js"
import * as Race from "../../src/race/Race.js"
import * as Report from "../../src/race/RaceReport.js"
import * as StandIn from "./StandIn.js"

/** Seeds from the first on until a fault is found; each run has one session for a scenario. */
export const untilFound = async (fault: StandIn.Fault, adapter: Adapter, seeds = 60, firstSeed = 1) => {
  let calls = 0
  for (let seed = firstSeed; ; seed++) {
    const { http } = StandIn.make(fault, seed)
    const outcome = await Race.run({ adapter, http, seed, run: `r${seed}`, rounds: 1 })
    const wrong = outcome.scenarios.flatMap(({ foundAfter, name, violation }) =>
      violation === null ? [] : [{ name, rule: violation.rule, foundAfter: foundAfter! }]
    )
    const [first] = wrong.sort((a, b) => a.foundAfter - b.foundAfter)
    calls += first?.foundAfter ?? outcome.calls
    if (first !== undefined || seed === firstSeed + seeds - 1) return { outcome, seed, calls, first }
  }
}

/** Many runs of one round each against a correct stand-in, some at the same time. */
export const manyRuns = async (count: number, adapter: Adapter, atOnce = 16, firstSeed = 1) => {
  const alarms: Array<string> = []
  const reasons: Array<string> = []
  let [correct, calls, races, started] = [0, 0, 0, 0]
  const loop = async (): Promise<void> => {
    while (started < count) {
      const seed = firstSeed + started++
      const outcome = await Race.run({ adapter, http: StandIn.make(null, seed).http, seed, run: `r${seed}`, rounds: 1 })
      calls += outcome.calls
      races += outcome.scenarios.reduce((sum, each) => sum + each.races, 0)
      if (outcome.verdict === "correct") correct++
      else if (outcome.verdict === "wrong") alarms.push(`seed ${seed}: ${Report.textOf(outcome)}`)
      else reasons.push(`seed ${seed}: ${outcome.reasons.join("; ")}`)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, loop))
  return { alarms, reasons, correct, calls, races }
}
