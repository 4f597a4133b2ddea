/** P15: a whole durable checkout, with work between its states, driven in the ways a user has. */
import { hold, type Outcome } from "../Contest.js"
import { task } from "../Entrants.js"
import { costTable, judgedBy } from "../Figures.js"
import { type Line, least, line, missing, most, type Pace, type Row, type Target } from "../Row.js"
import { cpuEach, perSecond, ratios, type Sample } from "../Sample.js"
import type { Driver } from "../whole/OnelaneShop.js"
import { absence, type Manner, manners, type Peer, peers, versionOf } from "../whole/Peers.js"
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

// A peer's checkout costs at least ten times as much as ours.
const shares: Readonly<Record<Manner, number>> = { "one call": 0.25, driven: 0.064 }

const ofPeers = async ({ rounds, scale, say }: Pace): Promise<Contested> => {
  const present = peers.filter((peer) => absence(peer) === null)
  if (present.length === 0) return new Map()
  const shop = (name: Options["shop"], share: number) =>
    entrant(name, 64, Math.max(64, Math.round(1_000 * scale * share)))
  const theirs = present.flatMap((peer) => manners.map((manner) => shop(`${peer}, ${manner}`, shares[manner])))
  const ours = (["SQLite", "PostgreSQL"] as const).map((storage) => shop(`onelane, ${storage}, wait`, 1))
  return hold([...ours, ...theirs], { rounds, say, warmUps: 2 })
}

type Contested = ReadonlyMap<string, Outcome>
type Figure = (sample: Sample) => number

const against = (contest: Contested, ours: string, theirs: string, figure: Figure) =>
  ratios(contest.get(ours)!.samples, contest.get(theirs)!.samples, figure)

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

const besides: Readonly<Record<Peer, { readonly storage: string; readonly target: Target }>> = {
  DBOS: { storage: "PostgreSQL", target: least(20) },
  Restate: { storage: "SQLite", target: least(5) }
}

/** The CPU of each peer relative to ours; lines without a ratio for a peer that is not installed. */
export const peerLines = (contest: Contested): ReadonlyArray<Line> =>
  peers.flatMap((peer) =>
    manners.map((manner) => {
      const { storage, target } = besides[peer]
      const what = `${storage}, by wait: CPU of all processes of ${peer}, ${manner}, against ours`
      const why = absence(peer)
      if (why !== null) return missing("P15", what, target, why)
      return line("P15", what, against(contest, `${peer}, ${manner}`, `onelane, ${storage}, wait`, cpuEach), target)
    })
  )

const peerTables = (contest: Contested) => {
  if (contest.size === 0) return []
  const versions = peers.filter((peer) => absence(peer) === null).map((peer) => `${peer} ${versionOf(peer)}`)
  const title = `Workflow engines (${versions.join("; ")}), CPU of all processes; figures are per checkout`
  return [costTable(title, contest, "onelane, SQLite, wait")]
}

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
    const engines = await ofPeers(pace)
    return {
      judged: judgedBy(sqlite, postgres, many, engines),
      lines: [
        ...sqliteLines(sqlite),
        ...postgresLines(postgres),
        line(
          "P15",
          "SQLite, by wait: rate with 256 at a time against 64",
          against(many, "256 at a time", "64 at a time", perSecond),
          least(1)
        ),
        ...peerLines(engines)
      ],
      tables: [
        costTable("SQLite; figures are per checkout", sqlite, "SQLite statements"),
        costTable("PostgreSQL, CPU of all processes; figures are per checkout", postgres, "pg with claims"),
        costTable("SQLite, by wait; figures are per checkout", many, "64 at a time"),
        ...peerTables(engines)
      ]
    }
  }
}
