/** P3: a hot session against many sessions, through the same API. */
import { hold } from "../Contest.js"
import { inMemory } from "../Entrants.js"
import { costTable, judgedBy } from "../Figures.js"
import type { Load } from "../Load.js"
import { line, type Row } from "../Row.js"
import { cpuEach, ratios } from "../Sample.js"

const on = (sessions: number, calls: number): Load => ({ manner: "accepted", callers: 64, sessions, calls })

/** The row. */
export const P3: Row = {
  id: "P3",
  title: "One hot session against 1,000 and 100,000",
  measure: async ({ rounds, scale, say }) => {
    const calls = Math.round(400_000 * scale)
    const contests = []
    const lines = []
    for (const api of ["onelane, Effect", "onelane, Promise"]) {
      const contest = await hold(
        [1, 1_000, 100_000].map((sessions) => inMemory(api, on(sessions, calls), `${sessions} sessions`)),
        { rounds, say }
      )
      contests.push({ api, contest })
      for (const many of ["1000 sessions", "100000 sessions"]) {
        const ratio = ratios(contest.get("1 sessions")!.samples, contest.get(many)!.samples, cpuEach)
        lines.push(line("P3", `${api}: hot against ${many}`, ratio, { bound: 1.2, side: "most" as const }))
      }
    }
    return {
      judged: contests.reduce((sum, { contest }) => sum + judgedBy(contest), 0),
      lines,
      tables: contests.map(({ api, contest }) => costTable(api, contest, "1 sessions"))
    }
  }
}
