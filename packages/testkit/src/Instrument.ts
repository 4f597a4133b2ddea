/**
 * Instrument: one method of searching for violations of a guarantee. `npm run prove` runs every module of `prove/` that
 * exports an `instrument`; the test suite runs the same ones in their short form.
 *
 * Owns the options and results of an instrument, and when a run counts; does not own any instrument.
 */

import type { History } from "@onelane/history"
import type { Effect } from "effect"

/** Options of a run. */
export interface InstrumentOptions {
  /** The source of all random choices: the same seed repeats the run. */
  readonly seed: number
  /** About how long to look. An instrument with a fixed number of cases may end earlier. */
  readonly minutes: number
  /** The form for the test suite: few cases, seconds. */
  readonly short: boolean
  /** Reports progress; called every few seconds. */
  readonly progress: (line: string) => void
}

/** Counts of the outcomes and faults of a run. */
export interface Tally {
  readonly acknowledged: number
  readonly refused: number
  readonly unknown: number
  readonly faults: number
}

/** What a run found. */
export interface Findings {
  /** Runs, kills, images, requests: whatever the instrument counts. */
  readonly cases: number
  /** Each violation, in words and with how to reproduce it; empty: nothing found. */
  readonly failures: ReadonlyArray<string>
  /** Figures and remarks for the summary. */
  readonly notes: ReadonlyArray<string>
  /** If the instrument records a history: a run in which too little happened is invalid, not passed. */
  readonly tally?: Tally | undefined
}

/**
 * One instrument. A run that is not possible here (no such program, no such disk) dies: it is neither passed nor
 * failed.
 */
export interface Instrument {
  /** Short and lower-case, for `-- --only <name>`. */
  readonly name: string
  readonly run: (options: InstrumentOptions) => Effect.Effect<Findings>
}

/** The least that must happen. Source: TARGETS, "Faults and load". */
export const least: Tally = { acknowledged: 1_000, refused: 200, unknown: 50, faults: 10 }

/** Counts the outcomes of a history; the caller counts the faults. */
export const tallyOf = (history: History.History, faults: number): Tally => {
  const count = (outcome: string): number => history.reduce((sum, each) => sum + (each.outcome === outcome ? 1 : 0), 0)
  return { acknowledged: count("ok"), refused: count("fail"), unknown: count("info"), faults }
}

/** The sum of two tallies. */
export const plus = (a: Tally, b: Tally): Tally => ({
  acknowledged: a.acknowledged + b.acknowledged,
  refused: a.refused + b.refused,
  unknown: a.unknown + b.unknown,
  faults: a.faults + b.faults
})

/** The counts that are too low for a valid run; empty: the run counts. */
export const lacking = (tally: Tally, enough: Tally = least): ReadonlyArray<string> =>
  (Object.keys(enough) as Array<keyof Tally>)
    .filter((each) => tally[each] < enough[each])
    .map((each) => `${tally[each]} ${each}, fewer than ${enough[each]}`)
