/** P20: a durable update of a session with 2 KB of data, 200 bytes of it patched, against one of a session without. */
import { hold } from "../Contest.js"
import { inMemory } from "../Entrants.js"
import { costTable, judgedBy, rateTable } from "../Figures.js"
import type { Load } from "../Load.js"
import { line, type Row } from "../Row.js"
import { cpuEach, perSecond, ratios } from "../Sample.js"

const writers = (calls: number): Load => ({ manner: "accepted", callers: 256, sessions: 1_024, calls, timed: true })

const most = { bound: 2, side: "most" } as const

/** The row. */
export const P20: Row = {
  id: "P20",
  title: "Durable update with 2 KB of data, 200 bytes patched",
  measure: async ({ rounds, scale, say }) => {
    const load = writers(Math.round(30_000 * scale))
    const contestOf = (name: string) =>
      hold([inMemory(name, load), inMemory(`${name}, with data`, load)], { rounds, say, warmUps: 2 })
    const sqlite = await contestOf("onelane, SQLite")
    const postgres = await contestOf("onelane, PostgreSQL")
    // PostgreSQL works in processes of its own, so for it the row compares rates.
    return {
      judged: judgedBy(sqlite) + judgedBy(postgres),
      lines: [
        line(
          "P20",
          "SQLite: CPU with data against without",
          ratios(sqlite.get("onelane, SQLite, with data")!.samples, sqlite.get("onelane, SQLite")!.samples, cpuEach),
          most
        ),
        line(
          "P20",
          "PostgreSQL: time with data against without",
          ratios(
            postgres.get("onelane, PostgreSQL")!.samples,
            postgres.get("onelane, PostgreSQL, with data")!.samples,
            perSecond
          ),
          most
        )
      ],
      tables: [
        costTable("SQLite, 256 writers", sqlite, "onelane, SQLite"),
        rateTable("PostgreSQL, 256 writers", postgres)
      ]
    }
  }
}
