/** P13: the time from process start to the first answer, embedded and as a server. */
import type { Options } from "../ColdStart.js"
import { hold } from "../Contest.js"
import { task } from "../Entrants.js"
import { showSpread } from "../Figures.js"
import { line, type Row } from "../Row.js"
import { ratios, type Sample, spreadOf } from "../Sample.js"

const wall = (sample: Sample): number => sample.wallNanos / 1e6
const programs: ReadonlyArray<Options["program"]> = [
  "import effect/Effect",
  "embedded, first update",
  "import @effect/platform-node",
  "onelane serve, ready"
]

/** The row. */
export const P13: Row = {
  id: "P13",
  title: "Cold start",
  measure: async ({ rounds, say }) => {
    const contest = await hold(
      programs.map((program) => task(program, "./ColdStart.js", { program } satisfies Options)),
      { rounds: rounds * 2, warmUps: 1, say }
    )
    const of = (name: Options["program"]) => contest.get(name)!.samples
    return {
      judged: 0,
      lines: [
        line(
          "P13",
          "embedded: import, open in memory, first update, against importing effect/Effect",
          ratios(of("embedded, first update"), of("import effect/Effect"), wall),
          { bound: 1.5, side: "most" }
        ),
        line(
          "P13",
          "onelane serve until /readyz, against importing @effect/platform-node",
          ratios(of("onelane serve, ready"), of("import @effect/platform-node"), wall),
          { bound: 1.3, side: "most" }
        )
      ],
      tables: [
        {
          title: "Milliseconds from the start of the process",
          columns: ["program", "ms"],
          rows: programs.map((name) => [name, showSpread(spreadOf(of(name).map(wall)))])
        }
      ]
    }
  }
}
