/** P5: the first touch of a sleeping session, against the bare prepared `SELECT`. */
import { hold } from "../Contest.js"
import { task } from "../Entrants.js"
import { costTable } from "../Figures.js"
import type { Options } from "../FirstTouch.js"
import { line, type Row } from "../Row.js"
import { cpuEach, ratios } from "../Sample.js"

/** The row. */
export const P5: Row = {
  id: "P5",
  title: "First touch of a session that sleeps in SQLite",
  measure: async ({ rounds, scale, say }) => {
    const warmUps = 2
    const calls = Math.round(20_000 * scale)
    const sessions = calls * (rounds + warmUps)
    const entrant = (subject: Options["subject"]) =>
      task(subject, "./FirstTouch.js", { subject, sessions, calls } satisfies Options)
    const contest = await hold([entrant("SELECT"), entrant("onelane")], { rounds, warmUps, say })
    const ratio = ratios(contest.get("onelane")!.samples, contest.get("SELECT")!.samples, cpuEach)
    return {
      judged: 0,
      lines: [
        line("P5", "first call on a sleeping session against a prepared SELECT", ratio, { bound: 3, side: "most" })
      ],
      tables: [costTable(`${sessions.toLocaleString("en-US")} sessions stored, each touched once`, contest, "SELECT")]
    }
  }
}
