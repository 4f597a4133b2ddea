/** P16: `onelane serve` with request logs, with traces, and in a cluster at the owner, against the same server without. */
import { hold, type Outcome } from "../Contest.js"
import { task } from "../Entrants.js"
import { costTable, judgedBy } from "../Figures.js"
import type { Options } from "../http/Serving.js"
import { type Line, line, type Row } from "../Row.js"
import { cpuEach, ratios } from "../Sample.js"

const plain: Options = {
  storage: "memory",
  logs: false,
  traced: null,
  clustered: false,
  connections: 64,
  requests: 20_000
}

/** The row. */
export const P16: Row = {
  id: "P16",
  title: "onelane serve with request logs, traces and a cluster, 64 connections",
  measure: async ({ rounds, scale, say }) => {
    const entrant = (name: string, options: Partial<Options>) =>
      task(name, "./http/Serving.js", { ...plain, requests: Math.round(20_000 * scale), ...options } satisfies Options)
    // Pairs: a server that has idled while several others worked has lost its compiled code.
    const pairs: Array<{ readonly line: Line; readonly outcomes: ReadonlyMap<string, Outcome> }> = []
    const pair = async (name: string, bound: number, options: Partial<Options>, floor: Partial<Options> = {}) => {
      const outcomes = await hold([entrant("plain", floor), entrant(name, options)], { rounds, warmUps: 3, say })
      const against = ratios(outcomes.get("plain")!.samples, outcomes.get(name)!.samples, cpuEach)
      const what = `rate at equal server CPU, ${name}, against plain`
      pairs.push({ outcomes, line: line("P16", what, against, { bound, side: "least" }) })
    }
    await pair("request logs", 0.9, { logs: true })
    await pair("traces at 1 %", 0.9, { traced: 0.01 })
    await pair("traces at 100 %", 0.5, { traced: 1 })
    await pair("request logs and traces at 1 %", 0.81, { logs: true, traced: 0.01 })
    const database = { storage: "PostgreSQL" } as const
    await pair("PostgreSQL, in a cluster at the owner", 0.9, { ...database, clustered: true }, database)
    return {
      judged: judgedBy(...pairs.map(({ outcomes }) => outcomes)),
      lines: pairs.map(({ line }) => line),
      tables: pairs.map(({ outcomes }) => {
        const [, name] = [...outcomes.keys()]
        return costTable(`Server CPU a request: plain, and ${name}`, outcomes, "plain")
      })
    }
  }
}
