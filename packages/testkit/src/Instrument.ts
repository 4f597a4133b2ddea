/**
 * Instrument: one way of looking for a broken promise. `npm run prove` runs every module of `prove/` that exports an
 * `instrument`; the test suite runs the same ones in their short form.
 *
 * Owns what an instrument is asked and answers, and when a run counts; does not own any instrument.
 */

import type { History } from "@onelane/history"
import type { Effect } from "effect"

/** What a run is asked. */
export interface InstrumentOptions {
  /** Everything drawn is drawn from it: the same seed repeats the run. */
  readonly seed: number
  /** About how long to look. An instrument with a fixed number of cases may end earlier. */
  readonly minutes: number
  /** The form for the test suite: few cases, seconds. */
  readonly short: boolean
  /** Tells how far it is; called every few seconds. */
  readonly progress: (line: string) => void
}

/** How much happened in a run. */
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
  /** Each broken promise, in words and with what repeats it; empty: nothing found. */
  readonly failures: ReadonlyArray<string>
  /** Figures and remarks for the summary. */
  readonly notes: ReadonlyArray<string>
  /** Where the instrument records a history: a run in which too little happened is invalid, not passed. */
  readonly tally?: Tally | undefined
}

/** One instrument. A run that cannot be made (no such program, no such disk) dies: it is neither passed nor failed. */
export interface Instrument {
  /** Short and lower-case, for `-- --only <name>`. */
  readonly name: string
  readonly run: (options: InstrumentOptions) => Effect.Effect<Findings>
}

/** The least that must happen. Source: TARGETS, "Faults and load". */
export const least: Tally = { acknowledged: 1_000, refused: 200, unknown: 50, faults: 10 }

/** Counts a history; faults are counted where they are made. */
export const tallyOf = (history: History.History, faults: number): Tally => {
  const count = (outcome: string): number => history.reduce((sum, each) => sum + (each.outcome === outcome ? 1 : 0), 0)
  return { acknowledged: count("ok"), refused: count("fail"), unknown: count("info"), faults }
}

/** Two tallies as one. */
export const plus = (a: Tally, b: Tally): Tally => ({
  acknowledged: a.acknowledged + b.acknowledged,
  refused: a.refused + b.refused,
  unknown: a.unknown + b.unknown,
  faults: a.faults + b.faults
})

/** What a run had too little of to prove anything; empty: it counts. */
export const lacking = (tally: Tally, enough: Tally = least): ReadonlyArray<string> =>
  (Object.keys(enough) as Array<keyof Tally>)
    .filter((each) => tally[each] < enough[each])
    .map((each) => `${tally[each]} ${each}, fewer than ${enough[each]}`)
