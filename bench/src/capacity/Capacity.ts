/**
 * Capacity: the tables of docs/operate/SCALE.md that are computed, not measured: the capacity of a cell of runners and
 * one PostgreSQL, and how evenly sessions are divided. Run by `node bench/dist/capacity/main.js`; a test compares the
 * page with it.
 */
import { type CellOptions, run } from "./Cell.js"
import * as Shares from "./Shares.js"

/** Service times, from measurements (docs/operate/SCALE.md says which), microseconds. */
const measured = {
  runnerMicros: 22 + 80,
  forwardMicros: 20,
  statementMicros: 490,
  rowMicros: 24,
  databaseProcessors: 8,
  syncMicros: 1_000,
  roundTripMicros: 500,
  repeatMicros: 200_000
} as const

const shards = 1_024

const cell = (runners: number, callsPerSecond: number, more: Partial<CellOptions> = {}): CellOptions => ({
  ...measured,
  seed: 7,
  runners,
  callsPerSecond,
  shares: Shares.ofRunners(runners, shards),
  seconds: 4,
  killedAt: 2,
  ...more
})

const percent = (share: number): string => `${Math.round(share * 100)} %`

const millis = (value: number): string => value.toFixed(1)

const row = (cells: ReadonlyArray<string>): string => `| ${cells.join(" | ")} |`

const heads = (cells: ReadonlyArray<string>): ReadonlyArray<string> => [row(cells), row(cells.map(() => "---"))]

const cells = (): ReadonlyArray<string> => {
  const plans: ReadonlyArray<readonly [string, CellOptions]> = [
    ["2 runners", cell(2, 10_000)],
    ["3 runners", cell(3, 12_500)],
    ["4 runners", cell(4, 12_500)],
    ["4 runners, disk 4 ms a sync", cell(4, 12_500, { syncMicros: 4_000 })],
    ["4 runners, 5 ms away", cell(4, 12_500, { roundTripMicros: 5_000 })],
    ["4 runners, one processor", cell(4, 12_500, { databaseProcessors: 1 })],
    ["8 runners", cell(8, 25_000)],
    ["8 runners", cell(8, 50_000)]
  ]
  const names = ["calls/s", "busiest runner", "database", "disk", "batch", "p50 ms", "p99 ms", "p99 ms after a kill"]
  return [
    ...heads(["cell", ...names]),
    ...plans.map(([name, options]) => {
      const calm = run({ ...options, killedAt: null })
      const killed = run(options)
      return row([
        name,
        options.callsPerSecond.toLocaleString("en-US"),
        ...[calm.busiestRunner, calm.database, calm.disk].map(percent),
        calm.batchEntries.toFixed(0),
        ...[calm.p50Millis, calm.p99Millis, killed.afterKillP99Millis].map(millis)
      ])
    })
  ]
}

const division = (): ReadonlyArray<string> => [
  ...heads([
    "shards",
    "fullest of 10⁸ sessions",
    "spread by the hash (chance: 1)",
    ...[2, 4, 8, 32].map((n) => `busiest of ${n} runners`)
  ]),
  ...[128, 1_024, 4_096].map((count) =>
    row([
      count.toLocaleString("en-US"),
      `${Shares.fullestShard(1e8, count).toFixed(3)} ×`,
      Shares.dispersion(200_000, count).toFixed(2),
      ...[2, 4, 8, 32].map((runners) => `${(Math.max(...Shares.ofRunners(runners, count)) * runners).toFixed(2)} ×`)
    ])
  )
]

/** Both tables, as the page has them. */
export const tables = (): { readonly cells: string; readonly division: string } => ({
  cells: cells().join("\n"),
  division: division().join("\n")
})
