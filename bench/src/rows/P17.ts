/** P17: event streams: what a delivered change and a silent stream cost, against bare `node:http` sending the same events. */
import { hold, type Outcome } from "../Contest.js"
import { task } from "../Entrants.js"
import { judgedBy, show, showSpread } from "../Figures.js"
import { line, most, type Row, type Table } from "../Row.js"
import { cpuEach, ratios, type Sample, type Spread, spreadOf } from "../Sample.js"
import type { Options as First } from "../streams/First.js"
import type { Options } from "../streams/Task.js"

/** Lowest scale, so that a quick run still has streams to speak of. */
const leastScale = 0.1

const more = (name: string) => (sample: Sample) => sample.more![name]!

const micros = (sample: Sample): number => cpuEach(sample) / 1_000

const kilobytes = (sample: Sample): number => more("heapEach")(sample) / 1_000

const table = ({ sessions, streams }: Omit<Options, "server">, outcomes: ReadonlyArray<Outcome>): Table => ({
  title: `${show(streams)} streams on ${show(sessions)} sessions; every event of every stream is counted`,
  columns: ["server", "CPU µs a delivered change", "heap KB a silent stream", "p50 ms", "p99 ms", "changes delivered"],
  rows: outcomes.map(({ counted, name, samples }) => {
    const of = (figure: (sample: Sample) => number): Spread => spreadOf(samples.map(figure))
    const median = (figure: (sample: Sample) => number): string => show(of(figure).median)
    return [name, showSpread(of(micros)), median(kilobytes), median(more("p50")), median(more("p99")), show(counted)]
  })
})

/** The row. */
export const P17: Row = {
  id: "P17",
  title: "Server-sent events: 10 streams a session, 100 changes a second",
  measure: async ({ rounds, scale, say }) => {
    const sessions = Math.round(1_000 * Math.min(1, Math.max(scale, leastScale)))
    const options = { streams: 10 * sessions, sessions, changesPerSecond: 100, changes: 500 }
    const entrant = (name: string, server: Options["server"]) =>
      task(name, "./streams/Task.js", { ...options, server } satisfies Options)
    const contest = await hold([entrant("node:http", "bare"), entrant("onelane", "onelane")], {
      rounds,
      warmUps: 2,
      say
    })
    const program = task("changes in process", "./streams/First.js", { lives: 10_000 } satisfies First)
    const first = await hold([program], { rounds, warmUps: 1, say })
    const of = (name: string, figure: (sample: Sample) => number): Spread =>
      spreadOf((contest.get(name) ?? first.get(name))!.samples.map(figure))
    return {
      judged: judgedBy(contest),
      lines: [
        line("P17", "CPU µs a delivered change (no ratio)", of("onelane", micros), most(30)),
        line(
          "P17",
          "CPU of a delivered change, against bare node:http",
          ratios(contest.get("onelane")!.samples, contest.get("node:http")!.samples, cpuEach),
          most(3.4)
        ),
        line("P17", "heap KB a silent stream (no ratio)", of("onelane", kilobytes), most(12)),
        line("P17", "p99 ms from a change to its arrival (no ratio)", of("onelane", more("p99")), most(100)),
        line(
          "P17",
          "CPU ms of the first `changes` of a process, to its first entry (no ratio)",
          of("changes in process", more("firstMillis")),
          most(20)
        ),
        line(
          "P17",
          "CPU µs of opening, reading one and closing `changes` in process (no ratio)",
          of("changes in process", more("lifeMicros")),
          most(50)
        )
      ],
      tables: [table(options, [...contest.values()])]
    }
  }
}
