/** P21: the first open of a cart, in memory by both APIs, and on SQLite against a durable update. */
import { hold, type Outcome } from "../Contest.js"
import { inMemory, task } from "../Entrants.js"
import { judgedBy, show, showSpread } from "../Figures.js"
import type { Load } from "../Load.js"
import type { Options } from "../Opens.js"
import { line, most, type Row, type Table } from "../Row.js"
import { cpuEach, perSecond, ratios, spreadOf } from "../Sample.js"

const doors = ["Effect", "Promise"] as const

const opens = (door: Options["door"], storage: Options["storage"], callers: number, count: number) =>
  task(`open, ${door}`, "./Opens.js", { door, storage, callers, opens: count } satisfies Options)

const micros = (outcomes: ReadonlyMap<string, Outcome>, name: string) =>
  spreadOf(outcomes.get(name)!.samples.map((sample) => cpuEach(sample) / 1_000))

const table = (title: string, outcomes: ReadonlyMap<string, Outcome>): Table => ({
  title,
  columns: ["subject", "CPU µs a call", "calls a second"],
  rows: [...outcomes].map(([name, { samples }]) => [
    name,
    showSpread(micros(outcomes, name)),
    show(spreadOf(samples.map(perSecond)).median)
  ])
})

/** The row. */
export const P21: Row = {
  id: "P21",
  title: "Open of a cart",
  measure: async ({ rounds, scale, say }) => {
    const writers = (callers: number, calls: number): Load => ({ manner: "accepted", callers, sessions: 1_024, calls })
    const count = Math.round(10_000 * scale)
    const memory = await hold(
      [
        opens("Effect", "memory", 64, count),
        opens("Promise", "memory", 64, count),
        inMemory("onelane, Effect", writers(64, 10 * count), "update, Effect")
      ],
      { rounds, say }
    )
    const sqlite = await hold(
      [
        opens("Effect", "SQLite", 256, count),
        opens("Promise", "SQLite", 256, count),
        inMemory("onelane, SQLite", writers(256, 2 * count), "update, Effect"),
        inMemory("onelane, SQLite, Promise", writers(256, 2 * count), "update, Promise")
      ],
      { rounds, say, warmUps: 2 }
    )
    const against = (door: Options["door"]) =>
      ratios(sqlite.get(`open, ${door}`)!.samples, sqlite.get(`update, ${door}`)!.samples, cpuEach)
    const inUpdates = (door: Options["door"]) =>
      ratios(memory.get(`open, ${door}`)!.samples, memory.get("update, Effect")!.samples, cpuEach)
    return {
      judged: judgedBy(memory, sqlite),
      lines: [
        line("P21", "CPU µs of an open in memory, Effect (no ratio)", micros(memory, "open, Effect"), most(8)),
        line("P21", "CPU µs of an open in memory, Promise (no ratio)", micros(memory, "open, Promise"), most(8)),
        ...doors.map((door) =>
          line("P21", `in memory: CPU of an open against an update, ${door}`, inUpdates(door), most(5.3))
        ),
        line("P21", "SQLite: CPU of an open against an update, Effect", against("Effect"), most(2.5)),
        line("P21", "SQLite: CPU of an open against an update, Promise", against("Promise"), most(2.5))
      ],
      tables: [table("In memory, 64 callers", memory), table("SQLite, 256 callers", sqlite)]
    }
  }
}
