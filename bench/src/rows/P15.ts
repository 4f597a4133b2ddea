/** P15: a whole durable checkout, with work between its states, driven in the ways a user has. */
import { hold, type Outcome } from "../Contest.js"
import { task } from "../Entrants.js"
import { costTable, judgedBy } from "../Figures.js"
import { type Line, line, type Pace, type Row, type Target } from "../Row.js"
import { cpuEach, perSecond, ratios, type Sample } from "../Sample.js"
import type { Driver } from "../whole/OnelaneShop.js"
import type { Options } from "../whole/Task.js"

const drivers: ReadonlyArray<Driver> = ["host", "get", "changes", "wait", "proceed"]

const entrant = (shop: Options["shop"], at: number, checkouts: number, label: string = shop) =>
  task(label, "./whole/Task.js", { shop, at, checkouts } satisfies Options)

const contestOf = (shops: ReadonlyArray<Options["shop"]>, at: number, { rounds, scale, say }: Pace) => {
  const checkouts = Math.max(at, Math.round(1_000 * scale))
  return hold(
    shops.map((shop) => entrant(shop, at, checkouts)),
    { rounds, say, warmUps: 2 }
  )
}

const more = async (pace: Pace) => {
  const checkouts = Math.max(256, Math.round(1_000 * pace.scale))
  const shop = "onelane, SQLite, wait"
  return hold(
    [64, 256].map((at) => entrant(shop, at, checkouts, `${at} at a time`)),
    { rounds: pace.rounds, say: pace.say, warmUps: 2 }
  )
}

type Contested = ReadonlyMap<string, Outcome>
type Figure = (sample: Sample) => number

const against = (contest: Contested, ours: string, theirs: string, figure: Figure) =>
  ratios(contest.get(ours)!.samples, contest.get(theirs)!.samples, figure)

const most = (bound: number): Target => ({ bound, side: "most" })
const least = (bound: number): Target => ({ bound, side: "least" })

const sqliteLines = (contest: Contested): ReadonlyArray<Line> =>
  (["wait", "changes", "proceed"] as const).map((driver) =>
    line(
      "P15",
      `SQLite, by ${driver}: CPU against raw statements with claims`,
      against(contest, `onelane, SQLite, ${driver}`, "SQLite statements", cpuEach),
      most(driver === "proceed" ? 2 : 3)
    )
  )

const postgresLines = (contest: Contested): ReadonlyArray<Line> =>
  (["wait", "changes"] as const).flatMap((driver) => {
    const ours = `onelane, PostgreSQL, ${driver}`
    return [
      line(
        "P15",
        `PostgreSQL, by ${driver}: CPU of all processes against pg with claims`,
        against(contest, ours, "pg with claims", cpuEach),
        most(0.35)
      ),
      line(
        "P15",
        `PostgreSQL, by ${driver}: rate against pg with claims`,
        against(contest, ours, "pg with claims", perSecond),
        least(2)
      ),
      line(
        "P15",
        `PostgreSQL, by ${driver}: rate against pg without claims`,
        against(contest, ours, "pg", perSecond),
        least(1)
      )
    ]
  })

/** The row. */
export const P15: Row = {
  id: "P15",
  title: "A whole checkout: open, 14 transitions, 7 of them after work that answers at once; 64 at a time",
  measure: async (pace) => {
    const sqlite = await contestOf(
      ["SQLite statements", ...drivers.map((driver) => `onelane, SQLite, ${driver}` as const)],
      64,
      pace
    )
    const postgres = await contestOf(
      ["pg", "pg with claims", ...drivers.map((driver) => `onelane, PostgreSQL, ${driver}` as const)],
      64,
      pace
    )
    const many = await more(pace)
    return {
      judged: judgedBy(sqlite, postgres, many),
      lines: [
        ...sqliteLines(sqlite),
        ...postgresLines(postgres),
        line(
          "P15",
          "SQLite, by wait: rate with 256 at a time against 64",
          against(many, "256 at a time", "64 at a time", perSecond),
          least(1)
        )
      ],
      tables: [
        costTable("SQLite; figures are per checkout", sqlite, "SQLite statements"),
        costTable("PostgreSQL, CPU of all processes; figures are per checkout", postgres, "pg with claims"),
        costTable("SQLite, by wait; figures are per checkout", many, "64 at a time")
      ]
    }
  }
}
