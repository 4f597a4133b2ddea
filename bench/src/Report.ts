/** Report: results as lines of text, each with its target. */
import { show } from "./Figures.js"
import type { Results } from "./Results.js"
import type { Line } from "./Row.js"

/** Whether a target is met, as a word. */
export const verdictOf = ({ met }: Line): string => (met === null ? "not measured" : met ? "met" : "NOT MET")

/** The ratio and its spread. */
export const ratioOf = ({ ratio, spread }: Line): string =>
  ratio === null || spread === null ? "-" : `${show(ratio)} (${show(spread.low)}-${show(spread.high)})`

/** One line. */
export const markOf = (line: Line): string =>
  `${verdictOf(line).padEnd(12)} ${ratioOf(line).padEnd(20)} ${line.target.padEnd(7)} ${line.what}${line.note === undefined ? "" : `; ${line.note}`}`

/** Every line with its target, and every failure. */
export const render = ({ contests, failures }: Results): string =>
  [
    ...contests.flatMap(({ lines }) => lines.map((line) => `${line.id.padEnd(4)} ${markOf(line)}`)),
    ...failures.map(({ id, why }) => `${id.padEnd(4)} FAILED       ${why.split("\n")[0]}`)
  ].join("\n")
