/** P9, second half: timers under saturating load in memory. The first half is measured with P6, on the same run. */
import { hold } from "../Contest.js"
import { task } from "../Entrants.js"
import { showSpread } from "../Figures.js"
import { line, type Row } from "../Row.js"
import { type Sample, spreadOf } from "../Sample.js"
import type { Options } from "../Ticks.js"

const ticks = (sample: Sample): number => sample.more!.ticks!

/** The row. */
export const P9: Row = {
  id: "P9",
  title: "Timers while 64 callers saturate an engine in memory",
  measure: async ({ rounds, say }) => {
    const entrant = (name: string, options: Options) => task(name, "./Ticks.js", options)
    const contest = await hold(
      [
        entrant("Effect", { door: "Effect", valve: true }),
        entrant("Promise", { door: "Promise", valve: true }),
        entrant("Effect, without the valve", { door: "Effect", valve: false })
      ],
      { rounds: Math.min(rounds, 5), warmUps: 0, say }
    )
    const of = (name: string) => spreadOf(contest.get(name)!.samples.map(ticks))
    const target = { bound: 300, side: "least" } as const
    return {
      judged: 0,
      lines: ["Effect", "Promise"].map((name) =>
        line("P9", `ticks of 400 in four seconds, ${name} (no ratio)`, of(name), target)
      ),
      tables: [
        {
          title: "Ticks of a timer that should tick 400 times",
          columns: ["door", "ticks"],
          rows: [...contest.keys()].map((name) => [name, showSpread(of(name))])
        }
      ]
    }
  }
}
