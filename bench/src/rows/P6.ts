/**
 * P6: a durable update on SQLite, one fsync a commit, group commit; and P9's first half, the event loop delay in the
 * same run.
 */
import { hold, type Outcome } from "../Contest.js"
import { inMemory } from "../Entrants.js"
import { judgedBy, rateTable } from "../Figures.js"
import type { Load } from "../Load.js"
import { type Line, line, missing, type Pace, type Plot, type Row, type Target } from "../Row.js"
import { perSecond, ratios, type Sample, spreadOf } from "../Sample.js"
import * as SlowDisk from "../SlowDisk.js"

const writers = (callers: number, calls: number): Load => ({
  manner: "accepted",
  callers,
  sessions: Math.max(callers, 1_024),
  calls,
  timed: true
})

const least = (bound: number): Target => ({ bound, side: "least" })
const most = (bound: number): Target => ({ bound, side: "most" })
const figure =
  (key: string) =>
  (sample: Sample): number =>
    sample.more![key]!

const many = (callers: number, { rounds, scale, say }: Pace) => {
  const calls = Math.round(60_000 * scale)
  const fast = [
    "onelane, SQLite",
    "onelane, SQLite, Promise",
    "engine on raw statements",
    "engine on an fdatasync'd file"
  ]
  const slow = ["@effect/sql transaction each", "SQLite, a commit each"]
  return hold(
    [
      ...fast.map((name) => inMemory(name, writers(callers, calls))),
      ...slow.map((name) => inMemory(name, writers(callers, Math.round(1_500 * scale))))
    ],
    { rounds, say, warmUps: 2 }
  )
}

const linesOf = (callers: number, contest: ReadonlyMap<string, Outcome>): ReadonlyArray<Line> => {
  const ours = contest.get("onelane, SQLite")!.samples
  const against = (name: string) => ratios(ours, contest.get(name)!.samples, perSecond)
  const delay = spreadOf(ours.map(figure("loopP99")))
  return [
    line(
      "P6",
      `${callers} writers: rate against the same engine on raw statements`,
      against("engine on raw statements"),
      least(0.85)
    ),
    line(
      "P6",
      `${callers} writers: rate against the same engine on an fdatasync'd file`,
      against("engine on an fdatasync'd file"),
      least(0.4)
    ),
    line(
      "P6",
      `${callers} writers: rate against one @effect/sql transaction a request`,
      against("@effect/sql transaction each"),
      least(35)
    ),
    line(
      "P9",
      `${callers} writers on SQLite: event loop delay p99, milliseconds (no ratio)`,
      delay,
      most(callers === 256 ? 10 : 20)
    )
  ]
}

type Contested = ReadonlyMap<string, Outcome>

/** The disk that the targets assume: 240 to 400 commits a second. Source: TARGETS P6. */
const syncMillis = 3

const slowTitle = `256 writers, syncs ${syncMillis} ms slower: rate against one @effect/sql transaction a request`

// The floor: the rate of single commits on the same disk.
const onSlowDisk = ({ rounds, scale, say }: Pace) => {
  const environment = SlowDisk.environment(syncMillis)
  const entrant = (name: string, calls: number) => inMemory(name, writers(256, calls), name, environment)
  return hold(
    [
      entrant("onelane, SQLite", Math.round(60_000 * scale)),
      ...["@effect/sql transaction each", "SQLite, a commit each"].map((name) =>
        entrant(name, Math.round(1_024 * scale))
      )
    ],
    { rounds, say, warmUps: 2 }
  )
}

const slowLine = (slow: Contested | null): Line => {
  if (slow === null) return missing("P6", slowTitle, least(35), "a disk is made slow on Linux, with a C compiler")
  const [ours, peer] = ["onelane, SQLite", "@effect/sql transaction each"].map((name) => slow.get(name)!.samples)
  return line("P6", slowTitle, ratios(ours!, peer!, perSecond), least(35))
}

const rate = (contest: Contested, name: string): number => spreadOf(contest.get(name)!.samples.map(perSecond)).median

const lone = ["onelane, SQLite", "engine on raw statements", "SQLite, a commit each", "@effect/sql transaction each"]

const throughput = (one: Contested, few: Contested, crowd: Contested): Plot => ({
  title: "Durable updates a second against concurrency, SQLite",
  x: "writers",
  y: "updates a second",
  series: lone.map((name) => ({
    name,
    points: [
      [1, rate(one, name)],
      [256, rate(few, name)],
      [4_096, rate(crowd, name)]
    ]
  }))
})

const latency = (few: Contested): Plot => ({
  title: "How long a caller waits, 256 writers, SQLite",
  x: "one call in so many waits longer",
  y: "milliseconds",
  series: ["onelane, SQLite", "onelane, SQLite, Promise", "engine on raw statements", "SQLite, a commit each"].map(
    (name) => ({
      name,
      points: [50, 90, 99, 99.9].map((share): [number, number] => [
        100 / (100 - share),
        spreadOf(few.get(name)!.samples.map(figure(`p${share}`))).median
      ])
    })
  )
})

/** The row. */
export const P6: Row = {
  id: "P6",
  title: "Durable update on SQLite (WAL, synchronous=FULL)",
  measure: async (pace) => {
    const few = await many(256, pace)
    const crowd = await many(4_096, pace)
    const one = await hold(
      lone.map((name) => inMemory(name, writers(1, Math.round(400 * pace.scale)))),
      { ...pace, warmUps: 2 }
    )
    const slow = SlowDisk.isPossible() ? await onSlowDisk(pace) : null
    const alone = ratios(one.get("onelane, SQLite")!.samples, one.get("SQLite, a commit each")!.samples, figure("p50"))
    return {
      judged: judgedBy(few, crowd, one, ...(slow === null ? [] : [slow])),
      lines: [
        ...linesOf(256, few),
        ...linesOf(4_096, crowd),
        slowLine(slow),
        line("P6", "one writer: p50 against one bare commit", alone, most(1.5))
      ],
      tables: [
        rateTable("256 writers, each on sessions of its own", few),
        rateTable("4,096 writers", crowd),
        rateTable("One writer", one),
        ...(slow === null ? [] : [rateTable(`256 writers, syncs ${syncMillis} ms slower`, slow)])
      ],
      plots: [throughput(one, few, crowd), latency(few)]
    }
  }
}
