/**
 * Results: the content of `results/latest.json`. A run replaces the contests it held and keeps those of earlier runs,
 * so that each keeps the date, load, rounds, scale and machine it was measured with. A failed contest removes its old
 * rows: the file contains no result that the present code did not produce.
 *
 * The file: `rows`, every line as `{ contest, id, what, ratio, target, met, spread, note? }` (`contest`: the row whose
 * run gave it; P6 also gives lines of P9); `contests`, the details beside the lines; `failures`, `{ id, date, why }`.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { Machine } from "./Machine.js"
import type { Findings, Line } from "./Row.js"

/** A completed contest. */
export interface Measured extends Findings {
  readonly id: string
  readonly title: string
  readonly date: string
  readonly seconds: number
  /** Load average of the machine at the start and at the end; the contest itself causes about 1 of it. */
  readonly load: readonly [number, number]
  readonly rounds: number
  readonly scale: number
  readonly machine: Machine
}

/** A contest that ended with an error, for example a bad history. */
export interface Failure {
  readonly id: string
  readonly date: string
  readonly why: string
}

/** All results, the contests in the order of the rows. */
export interface Results {
  readonly contests: ReadonlyArray<Measured>
  readonly failures: ReadonlyArray<Failure>
}

/** Nothing measured yet. */
export const none: Results = { contests: [], failures: [] }

const numberOf = (id: string): number => Number.parseInt(id.slice(1), 10)

const sorted = <A extends { readonly id: string }>(all: ReadonlyArray<A>): ReadonlyArray<A> =>
  [...all].sort((a, b) => numberOf(a.id) - numberOf(b.id))

/** Merges the results of a run into earlier ones. */
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

/** Parses the text of the file. */
export const fromJson = (text: string): Results => {
  const { rows, contests, failures } = JSON.parse(text) as Stored
  const linesOf = (wanted: string): ReadonlyArray<Line> =>
    rows.filter(({ contest }) => contest === wanted).map(({ contest: _, ...line }) => line)
  return { contests: contests.map((each) => ({ ...each, lines: linesOf(each.id) })), failures }
}

/** Reads the results of a directory; none if there are no results yet. */
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
