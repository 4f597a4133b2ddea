/** P4: heap per live, idle session, beyond its state. */
import { hold, type Outcome } from "../Contest.js"
import { task } from "../Entrants.js"
import { show, showSpread } from "../Figures.js"
import type { Options } from "../Memory.js"
import { line, type Row } from "../Row.js"
import { type Sample, spreadOf } from "../Sample.js"

const filled = (subject: string, sessions: number) =>
  task(`${subject} ${sessions}`, "./Memory.js", { subject, sessions } satisfies Options, ["--max-old-space-size=8192"])

const bytes = (sample: Sample): number => sample.more!.bytes!
const gibibytes = (sample: Sample): number => sample.more!.total! / 2 ** 30
const peers = [
  "bare",
  "promise chain",
  "async-mutex",
  "p-queue",
  "xstate",
  "semaphore",
  "SynchronizedRef",
  "Queue + Deferred"
]
const allSizes = [1_000, 10_000, 100_000]
const mostSessions = 1_000_000

/** The row. */
export const P4: Row = {
  id: "P4",
  title: "Memory of live sessions",
  measure: async ({ rounds, scale, say }) => {
    const sizes = scale < 1 ? allSizes.slice(-1) : allSizes
    const most = Math.max(100_000, Math.round(mostSessions * Math.min(1, scale)))
    const names = ["states", "onelane", ...peers]
    const many = await hold(
      [...names.flatMap((name) => sizes.map((size) => filled(name, size))), filled("onelane, passivated", 100_000)],
      { rounds: Math.min(2, rounds), warmUps: 0, say }
    )
    const million = await hold([filled("onelane", most)], { rounds: 1, warmUps: 0, say })
    const of = (contest: ReadonlyMap<string, Outcome>, name: string, size: number) =>
      contest.get(`${name} ${size}`)!.samples
    const beyond = (name: string, size: number, floor: string) =>
      spreadOf(of(many, name, size).map((sample, round) => bytes(sample) - bytes(of(many, floor, size)[round]!)))
    const ours = beyond("onelane", 100_000, "states")
    const asleep = spreadOf(of(many, "onelane, passivated", 100_000).map(bytes))
    const whole = spreadOf(of(million, "onelane", most).map(gibibytes))
    return {
      judged: 0,
      lines: [
        line("P4", "bytes per live idle session beyond its state (no ratio)", ours, { bound: 250, side: "most" }),
        line("P4", `${most.toLocaleString("en-US")} live sessions, whole process, GiB (no ratio)`, whole, {
          bound: most / mostSessions,
          side: "most"
        }),
        line("P4", "bytes per passivated session (no ratio)", asleep, { bound: 10, side: "most" })
      ],
      tables: [
        {
          title: "Heap bytes a session beyond its state, 100,000 sessions",
          columns: ["subject", "bytes"],
          rows: [
            ["onelane", showSpread(ours)],
            ["its state alone", showSpread(spreadOf(of(many, "states", 100_000).map(bytes)))],
            ...peers.slice(1).map((name) => [name, showSpread(beyond(name, 100_000, "bare"))]),
            ["onelane, passivated", show(asleep.median)]
          ]
        }
      ],
      plots: [
        {
          title: "Heap against live sessions",
          x: "live sessions",
          y: "MiB",
          series: ["onelane", "states", "xstate", "p-queue", "semaphore", "Queue + Deferred"].map((name) => ({
            name: name === "states" ? "the states alone" : name,
            points: sizes.map((size): [number, number] => [
              size,
              Math.max(0.01, (spreadOf(of(many, name, size).map(bytes)).median * size) / 2 ** 20)
            ])
          }))
        }
      ]
    }
  }
}
