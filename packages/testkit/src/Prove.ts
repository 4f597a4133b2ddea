/**
 * Prove: runs instruments one after the other and reports their results as rows.
 *
 * Owns the rows and when a run counts; does not own the command line (ProveCommand) nor any instrument.
 */
import { Clock, Effect } from "effect"
import { found as foundBy } from "./Catches.js"
import { type Instrument, type InstrumentOptions, lacking } from "./Instrument.js"

/** The result of one instrument, as in `prove/latest.json`. */
export interface Row {
  readonly instrument: string
  readonly cases: number
  readonly failures: number
  readonly seconds: number
  readonly seed: number
  /** Why the run proves nothing; empty if it counts. */
  readonly invalid: ReadonlyArray<string>
  readonly notes: ReadonlyArray<string>
  /** Each failure in words. */
  readonly found: ReadonlyArray<string>
}

/** Runs one instrument. One that dies leaves an invalid row. */
export const prove = ({ name, run }: Instrument, options: InstrumentOptions): Effect.Effect<Row> =>
  Effect.gen(function* () {
    const startedMillis = yield* Clock.currentTimeMillis
    const exit = yield* Effect.exit(run(options))
    const seconds = Math.round(((yield* Clock.currentTimeMillis) - startedMillis) / 100) / 10
    const { seed } = options
    if (exit._tag === "Failure") {
      const invalid = [String(exit.cause)]
      return { instrument: name, cases: 0, failures: 0, seconds, seed, invalid, notes: [], found: [] }
    }
    const { cases, failures, notes, tally } = exit.value
    const invalid = cases === 0 ? ["no cases"] : tally === undefined ? [] : lacking(tally)
    return { instrument: name, cases, failures: failures.length, seconds, seed, invalid, notes, found: failures }
  })

/** Whether a row reports no failure and a valid run. */
export const passed = ({ failures, invalid }: Row): boolean => failures === 0 && invalid.length === 0

/** The rows as a table for people, failures in full below. */
export const render = (rows: ReadonlyArray<Row>): string => {
  const head = ["instrument", "cases", "failures", "found before", "seconds", "seed", ""]
  const lines = rows.map((row) => [
    row.instrument,
    `${row.cases}`,
    `${row.failures}`,
    foundBy(row.instrument),
    `${row.seconds}`,
    `${row.seed}`,
    row.invalid.length > 0 ? `invalid: ${row.invalid.join("; ")}` : row.notes.join("; ")
  ])
  const widths = head.map((_, column) => Math.max(...[head, ...lines].map((line) => line[column]!.length)))
  const table = [head, ...lines].map((line) =>
    line
      .map((cell, column) =>
        column === 0 || column === head.length - 1 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)
      )
      .join("  ")
      .trimEnd()
  )
  return [...table, ...rows.flatMap(({ instrument, found }) => found.map((each) => `\n${instrument}: ${each}`))].join(
    "\n"
  )
}
