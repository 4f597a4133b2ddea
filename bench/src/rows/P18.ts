/** P18: an update whose state has work that answers at once, against an update whose state has none. */
import { hold, type Outcome } from "../Contest.js"
import { task } from "../Entrants.js"
import { judgedBy, show, showSpread } from "../Figures.js"
import { line, most, type Row, type Table } from "../Row.js"
import { cpuEach, perSecond, ratios, spreadOf } from "../Sample.js"
import type { Options } from "../Tasks.js"

const kinds = ["a value", "a Promise", null] as const

const nameOf = (answers: Options["answers"]): string => (answers === null ? "no work" : `work that gives ${answers}`)

const contestants = (options: Omit<Options, "answers">) =>
  kinds.map((answers) => task(nameOf(answers), "./Tasks.js", { ...options, answers } satisfies Options))

type Outcomes = ReadonlyMap<string, Outcome>

const samplesOf = (outcomes: Outcomes, answers: Options["answers"]) => outcomes.get(nameOf(answers))!.samples

/** What the work adds, round by round, in microseconds of CPU and in updates without work. */
const added = (outcomes: Outcomes, answers: Options["answers"]) => {
  const without = samplesOf(outcomes, null).map(cpuEach)
  const more = samplesOf(outcomes, answers).map((sample, round) => cpuEach(sample) - without[round]!)
  return {
    micros: spreadOf(more.map((nanos) => nanos / 1_000)),
    updates: spreadOf(more.map((nanos, round) => nanos / without[round]!))
  }
}

const against = (outcomes: Outcomes, answers: Options["answers"]) =>
  ratios(samplesOf(outcomes, answers), samplesOf(outcomes, null), cpuEach)

const table = (title: string, outcomes: Outcomes): Table => ({
  title,
  columns: ["subject", "CPU µs an update", "updates a second"],
  rows: [...outcomes].map(([name, { samples }]) => [
    name,
    showSpread(spreadOf(samples.map((sample) => cpuEach(sample) / 1_000))),
    show(spreadOf(samples.map(perSecond)).median)
  ])
})

/** The row. */
export const P18: Row = {
  id: "P18",
  title: "Work that answers at once",
  measure: async ({ rounds, scale, say }) => {
    const sessions = Math.max(256, Math.round(10_000 * scale))
    const memory = await hold(contestants({ storage: "memory", callers: 64, sessions }), { rounds, say, warmUps: 2 })
    const sqlite = await hold(contestants({ storage: "SQLite", callers: 256, sessions }), { rounds, say, warmUps: 2 })
    const works = ["a value", "a Promise"] as const
    return {
      judged: judgedBy(memory, sqlite),
      lines: [
        ...works.flatMap((answers) => {
          const { micros, updates } = added(memory, answers)
          return [
            line("P18", `CPU µs that ${nameOf(answers)} adds in memory (no ratio)`, micros, most(15)),
            line("P18", `in memory: CPU that ${nameOf(answers)} adds, against an update`, updates, most(11.5))
          ]
        }),
        ...works.map((answers) =>
          line("P18", `SQLite: CPU of ${nameOf(answers)} against none`, against(sqlite, answers), most(3))
        )
      ],
      tables: [table("In memory, 64 callers", memory), table("SQLite, 256 callers", sqlite)]
    }
  }
}
