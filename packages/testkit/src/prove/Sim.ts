/**
 * Sim: the simulation over many seeds, one after the other; each run is checked at once. A failing seed is shrunk
 * before it is reported.
 */
import { Clock, Effect } from "effect"
import {
  type Findings,
  type Instrument,
  type InstrumentOptions,
  lacking,
  plus,
  type Tally,
  tallyOf
} from "../Instrument.js"
import type { Scenario } from "../simulation/Scenario.js"
import { describe, shrink } from "../simulation/Shrink.js"
import { type Outcome, run } from "../simulation/Simulation.js"

/** Seeds of the short form, which goes on until enough happened. */
const leastShort = 30
const mostShort = 300
/** Seeds of the long form at least. Source: TARGETS F1. */
const leastLong = 10_000
/** Failing seeds that are shrunk and reported in full; further ones are only counted. */
const toldFailures = 3
const progressMillis = 5_000

/** Adds the counts of one run. */
export const tallyRun = (tally: Tally, { history, faults }: Outcome): Tally =>
  plus(
    tally,
    tallyOf(
      history,
      [...faults.values()].reduce((sum, each) => sum + each, 0)
    )
  )

/**
 * Runs seed after seed until the time is over and `least` are done; `overrides` replace parts of what each seed draws.
 */
export const manySeeds = (
  options: InstrumentOptions,
  overrides: Partial<Scenario> = {},
  least = 0
): Effect.Effect<Findings> =>
  Effect.gen(function* () {
    const failing: Array<Outcome> = []
    let tally: Tally = { acknowledged: 0, refused: 0, unknown: 0, faults: 0 }
    let cases = 0
    const startedMillis = yield* Clock.currentTimeMillis
    let toldMillis = startedMillis
    for (let nowMillis = startedMillis; ; nowMillis = yield* Clock.currentTimeMillis) {
      const isEnough = cases >= leastShort && (lacking(tally).length === 0 || cases >= mostShort)
      const isOver = cases >= least && nowMillis - startedMillis >= options.minutes * 60_000
      if (options.short ? isEnough : isOver) break
      const outcome = run(options.seed + cases, overrides)
      cases += 1
      tally = tallyRun(tally, outcome)
      if (outcome.problems.length > 0) {
        failing.push(outcome)
        options.progress(`seed ${outcome.seed} fails`)
      }
      if (nowMillis - toldMillis >= progressMillis) {
        toldMillis = nowMillis
        options.progress(`${cases} seeds, next ${options.seed + cases}, ${failing.length} failing; ${told(tally)}`)
        yield* Effect.yieldNow()
      }
    }
    const inFull = failing.slice(0, toldFailures).map((each) => describe(shrink(each)))
    const counted = failing.slice(toldFailures).map(({ seed }) => `seed ${seed}`)
    return { cases, failures: [...inFull, ...counted], notes: [told(tally)], tally }
  })

const told = ({ acknowledged, refused, unknown, faults }: Tally): string =>
  `${acknowledged} acknowledged, ${refused} refused, ${unknown} unknown, ${faults} faults`

/** The simulation, without overrides. */
export const instrument: Instrument = { name: "sim", run: (options) => manySeeds(options, {}, leastLong) }
