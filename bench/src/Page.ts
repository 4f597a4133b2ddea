/** Page: `BENCHMARKS.md` from results. */
import type { Machine } from "./Machine.js"
import * as Overview from "./Overview.js"
import { after, before, opening } from "./PageText.js"
import { toMermaid } from "./Plot.js"
import { ratioOf, verdictOf } from "./Report.js"
import type { Measured, Results } from "./Results.js"
import type { Line, Table } from "./Row.js"

const cell = (text: string): string => text.replace(/\|/g, "\\|").replace(/\n/g, " ")

const tableOf = (columns: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): string =>
  [columns, columns.map(() => "---"), ...rows].map((cells) => `| ${cells.map(cell).join(" | ")} |`).join("\n")

const lineOf = (line: Line): ReadonlyArray<string> => [
  line.id,
  line.note === undefined ? line.what : `${line.what}; ${line.note}`,
  ratioOf(line),
  line.target,
  verdictOf(line)
]

/** Machines in the order they appear; contests name theirs by its number. */
const machinesOf = ({ contests }: Results): ReadonlyArray<Machine> => {
  const seen = new Map(contests.map(({ machine }) => [keyOf(machine), machine]))
  return [...seen.values()]
}

const keyOf = ({ loadBefore: _, ...machine }: Machine): string => JSON.stringify(machine)

const machineText = (machine: Machine, number: number): string => {
  const { cpu, cores, memoryGib, kernel, node, versions } = machine
  const listed = Object.entries(versions).map(([name, version]) => `${name} ${version}`)
  return `Machine ${number}: ${cpu}, ${cores} cores, ${memoryGib} GiB, Linux ${kernel}, Node ${node}. ${listed.join(", ")}.`
}

const tableText = ({ title, columns, rows }: Table): string => `**${title}**\n\n${tableOf(columns, rows)}`

const contestText = (measured: Measured, machines: ReadonlyArray<string>): string => {
  const { id, title, date, seconds, load, rounds, scale, machine, judged, tables, plots = [] } = measured
  const number = machines.indexOf(keyOf(machine)) + 1
  const taken = `${date.slice(0, 16).replace("T", " ")} UTC, machine ${number}, load ${load[0]} when it began and ${load[1]} when it ended`
  return [
    `### ${id}: ${title}`,
    `${taken}; ${rounds} rounds, scale ${scale}, ${seconds} s; ${judged.toLocaleString("en-US")} calls judged as histories.`,
    ...tables.map(tableText),
    ...plots.map(toMermaid)
  ].join("\n\n")
}

/** The whole page. */
export const render = (results: Results): string => {
  const { contests, failures } = results
  const machines = machinesOf(results)
  const lines = contests.flatMap((each) => each.lines)
  const sorted = [...lines].sort((a, b) => Number(a.id.slice(1)) - Number(b.id.slice(1)))
  const failed = failures.map(
    ({ id, date, why }) => `* **${id} failed** on ${date.slice(0, 10)}: ${why.split("\n")[0]}`
  )
  return [
    opening.trimEnd(),
    tableOf(Overview.columns, Overview.rowsOf(results)),
    before.trimEnd(),
    "## Results, with their spread",
    ...machines.map((machine, index) => machineText(machine, index + 1)),
    tableOf(["row", "what", "ratio (spread)", "target", ""], sorted.map(lineOf)),
    ...(failed.length === 0 ? [] : [failed.join("\n")]),
    ...contests.map((each) => contestText(each, machines.map(keyOf))),
    `${after.trimEnd()}\n`
  ].join("\n\n")
}
