/**
 * Results: what `results/latest.json` holds. A run lays the contests it held over those of earlier runs, so that each
 * keeps the date, load, rounds, scale and machine it was measured with. A contest that failed takes its old rows away:
 * nothing stands there that the present code did not earn.
 *
 * The file: `rows`, every line as `{ contest, id, what, ratio, target, met, spread, note? }` (`contest`: the row whose run
 * gave it; P6 also gives lines of P9); `contests`, what stands beside the lines; `failures`, `{ id, date, why }`.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { Machine } from "./Machine.js"
import type { Findings, Line } from "./Row.js"

/** A contest that was held. */
export interface Measured extends Findings {
  readonly id: string
  readonly title: string
  readonly date: string
  readonly seconds: number
  /** Load average of the machine when it began and when it ended; the contest itself makes about 1 of it. */
  readonly load: readonly [number, number]
  readonly rounds: number
  readonly scale: number
  readonly machine: Machine
}

/** A contest that ended with an error; a bad history is one. */
export interface Failure {
  readonly id: string
  readonly date: string
  readonly why: string
}

/** Everything known, the contests in the order of the rows. */
export interface Results {
  readonly contests: ReadonlyArray<Measured>
  readonly failures: ReadonlyArray<Failure>
}

/** Nothing measured yet. */
export const none: Results = { contests: [], failures: [] }

const numberOf = (id: string): number => Number.parseInt(id.slice(1), 10)

const sorted = <A extends { readonly id: string }>(all: ReadonlyArray<A>): ReadonlyArray<A> =>
  [...all].sort((a, b) => numberOf(a.id) - numberOf(b.id))

/** Lays what a run gave over what was there. */
export const merge = (before: Results, { contests, failures }: Results): Results => {
  const now = new Set([...contests, ...failures].map(({ id }) => id))
  const kept = <A extends { readonly id: string }>(all: ReadonlyArray<A>) => all.filter(({ id }) => !now.has(id))
  return {
    contests: sorted([...kept(before.contests), ...contests]),
    failures: sorted([...kept(before.failures), ...failures])
  }
}

type Row = Line & { readonly contest: string }

interface Stored {
  readonly rows: ReadonlyArray<Row>
  readonly contests: ReadonlyArray<Omit<Measured, "lines">>
  readonly failures: ReadonlyArray<Failure>
}

/** The text of the file. */
export const toJson = ({ contests, failures }: Results): string => {
  const stored: Stored = {
    rows: contests.flatMap(({ id, lines }) => lines.map((line): Row => ({ contest: id, ...line }))),
    contests: contests.map(({ lines: _, ...rest }) => rest),
    failures
  }
  return `${JSON.stringify(stored, null, 2)}\n`
}

/** Reads such a text. */
export const fromJson = (text: string): Results => {
  const { rows, contests, failures } = JSON.parse(text) as Stored
  const linesOf = (wanted: string): ReadonlyArray<Line> =>
    rows.filter(({ contest }) => contest === wanted).map(({ contest: _, ...line }) => line)
  return { contests: contests.map((each) => ({ ...each, lines: linesOf(each.id) })), failures }
}

/** Reads the results of a directory; none where there are no such results yet. */
export const read = (directory: string): Results => {
  try {
    return fromJson(readFileSync(join(directory, "latest.json"), "utf8"))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return none
    throw error
  }
}

/** Writes them. */
export const save = (directory: string, results: Results): void => {
  mkdirSync(directory, { recursive: true })
  writeFileSync(join(directory, "latest.json"), toJson(results))
}
