/** P7: a durable update on PostgreSQL, against a compare-and-set for each request. */
import { hold } from "../Contest.js"
import { inMemory } from "../Entrants.js"
import { judgedBy, rateTable } from "../Figures.js"
import type { Load } from "../Load.js"
import { least, line, type Row } from "../Row.js"
import { perSecond, ratios } from "../Sample.js"

const writers = (calls: number): Load => ({ manner: "accepted", callers: 256, sessions: 1_024, calls, timed: true })

const peers = ["PostgreSQL, CAS each", "PostgreSQL, CAS each, pg as it comes", "PostgreSQL, CAS and event each"]

/** The row. */
export const P7: Row = {
  id: "P7",
  title: "Durable update on PostgreSQL, 256 writers",
  measure: async ({ rounds, scale, say }) => {
    const contest = await hold(
      [
        ...["onelane, PostgreSQL", "onelane, PostgreSQL, Promise"].map((name) =>
          inMemory(name, writers(Math.round(40_000 * scale)))
        ),
        ...peers.map((name) => inMemory(name, writers(Math.round(8_000 * scale))))
      ],
      { rounds, say, warmUps: 2 }
    )
    const against = (name: string, door = "onelane, PostgreSQL, Promise") =>
      ratios(contest.get(door)!.samples, contest.get(name)!.samples, perSecond)
    return {
      judged: judgedBy(contest),
      lines: [
        line(
          "P7",
          "rate against a compare-and-set for each request",
          against("PostgreSQL, CAS each", "onelane, PostgreSQL"),
          least(5)
        ),
        line(
          "P7",
          "Promises on both sides: rate against a compare-and-set for each request",
          against("PostgreSQL, CAS each"),
          least(5)
        ),
        line(
          "P7",
          "Promises on both sides: rate against one that writes an event row too",
          against("PostgreSQL, CAS and event each"),
          least(5)
        ),
        line(
          "P7",
          "Promises on both sides: rate against a compare-and-set, pg as it comes: 10 connections, not prepared",
          against("PostgreSQL, CAS each, pg as it comes"),
          least(6)
        )
      ],
      tables: [rateTable("256 writers, each on sessions of its own", contest)]
    }
  }
}
