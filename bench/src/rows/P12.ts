/** P12: the cost of an update, and of opening, as the store fills up. */
import { hold, type Outcome } from "../Contest.js"
import { task } from "../Entrants.js"
import { costTable, judgedBy } from "../Figures.js"
import type { Options } from "../Growth.js"
import { line, type Row } from "../Row.js"
import { cpuEach, perSecond, ratios, spreadOf } from "../Sample.js"

const target = { bound: 1.5, side: "most" } as const

/** The row. */
export const P12: Row = {
  id: "P12",
  title: "Cost of an update and of opening, from 1,000 stored sessions to 1,000,000",
  measure: async ({ rounds, scale, say }) => {
    const sizes = [1_000, 10_000, 100_000, Math.round(1_000_000 * Math.min(1, scale))]
    const nameOf = (stored: number): string => `${stored.toLocaleString("en-US")} stored`
    const contest = (opening: boolean) =>
      hold(
        sizes.map((stored) =>
          task(nameOf(stored), "./Growth.js", { stored, calls: Math.round(40_000 * scale), opening } satisfies Options)
        ),
        { rounds, warmUps: 2, say }
      )
    const updates = await contest(false)
    const openings = await contest(true)
    const most = nameOf(sizes[sizes.length - 1]!)
    const least = nameOf(sizes[0]!)
    const grown = (of: ReadonlyMap<string, Outcome>) => ratios(of.get(most)!.samples, of.get(least)!.samples, cpuEach)
    return {
      judged: judgedBy(updates),
      lines: [
        line("P12", `time per update, ${most} against ${least}`, grown(updates), target),
        line("P12", `opening and first answer, ${most} against ${least}`, grown(openings), target)
      ],
      tables: [
        costTable("Updates of 1,000 sessions among all stored, SQLite, 256 writers", updates, least),
        costTable("Opening the file and reading one session (figures are per opening)", openings, least)
      ],
      plots: [
        {
          title: "Time per update against sessions stored, SQLite, 256 writers",
          x: "sessions stored",
          y: "microseconds",
          series: [
            {
              name: "CPU",
              points: sizes.map((size) => [
                size,
                spreadOf(updates.get(nameOf(size))!.samples.map(cpuEach)).median / 1_000
              ])
            },
            {
              name: "wall",
              points: sizes.map((size) => [
                size,
                1e6 / spreadOf(updates.get(nameOf(size))!.samples.map(perSecond)).median
              ])
            }
          ]
        }
      ]
    }
  }
}
