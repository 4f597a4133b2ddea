/** P10: an update over HTTP, against bare `node:http` doing `JSON.parse` and the same update in memory. */
import { hold } from "../Contest.js"
import { task } from "../Entrants.js"
import { costTable, judgedBy } from "../Figures.js"
import type { Options } from "../http/Task.js"
import { line, type Row } from "../Row.js"
import { cpuEach, ratios } from "../Sample.js"

/** The row. */
export const P10: Row = {
  id: "P10",
  title: "Update over HTTP, 64 connections",
  measure: async ({ rounds, scale, say }) => {
    const requests = Math.round(20_000 * scale)
    const entrant = (name: string, server: Options["server"], dialect: Options["dialect"] = "plain") =>
      task(name, "./http/Task.js", { server, dialect, connections: 64, requests } satisfies Options)
    const contest = await hold(
      [
        entrant("node:http", "bare"),
        entrant("fastify", "fastify"),
        entrant("onelane, native", "onelane", "native"),
        entrant("onelane, standard action", "onelane", "standard"),
        entrant("platform HttpRouter", "router"),
        entrant("platform HttpApi", "api")
      ],
      { rounds, warmUps: 2, say }
    )
    const of = (name: string) => contest.get(name)!.samples
    const against = (name: string) => ratios(of("node:http"), of(name), cpuEach)
    const target = { bound: 0.87, side: "least" } as const
    return {
      judged: judgedBy(contest),
      lines: ["native", "standard action"].map((lane) =>
        line("P10", `rate at equal server CPU, ${lane}, against bare node:http`, against(`onelane, ${lane}`), target)
      ),
      tables: [costTable("Server CPU a request; the load comes from another process", contest, "node:http")]
    }
  }
}
