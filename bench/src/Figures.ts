/** Figures: numbers as a table shows them. */
import type { Outcome } from "./Contest.js"
import type { Table } from "./Row.js"
import { cpuEach, perSecond, type Spread, spreadOf } from "./Sample.js"

/** Three significant digits, thousands separated. */
export const show = (value: number): string => {
  if (!Number.isFinite(value)) return "-"
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString("en-US")
  return Number(value.toPrecision(3)).toString()
}

/** A median with its spread. */
export const showSpread = ({ median, low, high }: Spread): string => `${show(median)} (${show(low)}-${show(high)})`

/** The usual table of a contest: CPU time and rate of each subject, and its CPU time against the floor's. */
export const costTable = (title: string, outcomes: ReadonlyMap<string, Outcome>, floor: string): Table => {
  const base = outcomes.get(floor)!.samples
  return {
    title,
    columns: [
      "subject",
      "CPU ns an update",
      "updates a second",
      "accepted",
      `against ${floor}`,
      "calls counted, judged"
    ],
    rows: [...outcomes.values()].map(({ name, samples, counted, judged }) => {
      const total = samples.reduce((sum, { operations }) => sum + operations, 0)
      const accepted = samples.reduce((sum, sample) => sum + sample.accepted, 0)
      const against = samples.map((sample, round) => cpuEach(sample) / cpuEach(base[round]!))
      return [
        name,
        showSpread(spreadOf(samples.map(cpuEach))),
        show(spreadOf(samples.map(perSecond)).median),
        `${Math.round((100 * accepted) / total)} %`,
        `${show(spreadOf(against).median)} ×`,
        counted === 0 ? "-" : `${show(counted)}, ${show(judged)}`
      ]
    })
  }
}

/** The table of a durable contest: rates, and how long a caller waited. */
export const rateTable = (title: string, outcomes: ReadonlyMap<string, Outcome>): Table => ({
  title,
  columns: [
    "subject",
    "updates a second",
    "p50 ms",
    "p99 ms",
    "loop delay p99 ms",
    "CPU µs an update",
    "accepted",
    "calls counted, judged"
  ],
  rows: [...outcomes.values()].map(({ name, samples, counted, judged }) => {
    const more = (key: string): string =>
      show(spreadOf(samples.map((sample) => sample.more?.[key] ?? Number.NaN)).median)
    const accepted = samples.reduce((sum, sample) => sum + sample.accepted, 0)
    return [
      name,
      showSpread(spreadOf(samples.map(perSecond))),
      more("p50"),
      more("p99"),
      more("loopP99"),
      show(spreadOf(samples.map(cpuEach)).median / 1_000),
      `${Math.round((100 * accepted) / samples.reduce((sum, { operations }) => sum + operations, 0))} %`,
      `${show(counted)}, ${show(judged)}`
    ]
  })
})

/** Calls of a contest whose histories were judged. */
export const judgedBy = (...contests: ReadonlyArray<ReadonlyMap<string, Outcome>>): number =>
  contests.reduce((sum, contest) => sum + [...contest.values()].reduce((all, each) => all + each.judged, 0), 0)
