/** P22: an update through `Onelane.connect`, against bare `fetch` of the same bytes. */
import { hold } from "../Contest.js"
import { task } from "../Entrants.js"
import { costTable, judgedBy } from "../Figures.js"
import type { Options } from "../http/Connecting.js"
import { line, type Row } from "../Row.js"
import { cpuEach, ratios } from "../Sample.js"

/** The row. */
export const P22: Row = {
  id: "P22",
  title: "Update through Onelane.connect, 16 callers",
  measure: async ({ rounds, scale, say }) => {
    const calls = Math.round(5_000 * scale)
    const entrant = (name: string, client: Options["client"]) =>
      task(name, "./http/Connecting.js", { client, callers: 16, calls } satisfies Options)
    const contest = await hold([entrant("fetch", "fetch"), entrant("Onelane.connect", "connect")], { rounds, say })
    const against = ratios(contest.get("Onelane.connect")!.samples, contest.get("fetch")!.samples, cpuEach)
    return {
      judged: judgedBy(contest),
      lines: [line("P22", "CPU of a call, connect against bare fetch", against, { bound: 1.25, side: "most" })],
      tables: [costTable("Client CPU a call; the server is another process", contest, "fetch")]
    }
  }
}
