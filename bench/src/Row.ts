/** Row: one line of the results, and a row of the suite: an id of TARGETS, and a way to measure it. */
import type { Spread } from "./Sample.js"

/** One line: what was measured, the ratio, and its target. */
export interface Line {
  readonly id: string
  readonly what: string
  /** Null if it could not be measured here; `note` has the reason. */
  readonly ratio: number | null
  readonly target: string
  readonly met: boolean | null
  readonly spread: { readonly low: number; readonly high: number } | null
  readonly note?: string
}

/** A bound from above. */
export const most = (bound: number) => ({ bound, side: "most" }) as const

/** A bound from below. */
export const least = (bound: number) => ({ bound, side: "least" }) as const

/** A table beside the lines: the subjects, side by side. */
export interface Table {
  readonly title: string
  readonly columns: ReadonlyArray<string>
  readonly rows: ReadonlyArray<ReadonlyArray<string>>
}

/** A plot: one line a series, points in order of `x`. */
export interface Plot {
  readonly title: string
  readonly x: string
  readonly y: string
  readonly series: ReadonlyArray<{ readonly name: string; readonly points: ReadonlyArray<readonly [number, number]> }>
}

/** The result of a row. */
export interface Findings {
  readonly lines: ReadonlyArray<Line>
  readonly tables: ReadonlyArray<Table>
  readonly plots?: ReadonlyArray<Plot>
  /** Calls whose histories were checked. */
  readonly judged: number
}

/** How thorough a run is. */
export interface Pace {
  readonly rounds: number
  /** Scales the work of a round; 1 is the full size. */
  readonly scale: number
  readonly say: (line: string) => void
}

/** A row of the suite. */
export interface Row {
  readonly id: string
  readonly title: string
  readonly measure: (pace: Pace) => Promise<Findings>
}

/** A target: an upper or a lower bound of the ratio. */
export interface Target {
  readonly bound: number
  readonly side: "most" | "least"
}

/** A line from a ratio and its target. */
export const line = (id: string, what: string, ratio: Spread, { bound, side }: Target, note?: string): Line => ({
  id,
  what,
  ratio: ratio.median,
  target: `${side === "most" ? "≤" : "≥"} ${bound}`,
  met: side === "most" ? ratio.median <= bound : ratio.median >= bound,
  spread: { low: ratio.low, high: ratio.high },
  ...(note === undefined ? {} : { note })
})

/** A line that this machine cannot measure. */
export const missing = (id: string, what: string, { bound, side }: Target, note: string): Line => ({
  id,
  what,
  ratio: null,
  target: `${side === "most" ? "≤" : "≥"} ${bound}`,
  met: null,
  spread: null,
  note
})
