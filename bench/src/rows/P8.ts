/**
 * P8: a durable hot session with 64 concurrent callers; successes and refusals count, and each is sent only after the
 * state it reports is durable.
 */
import { hold } from "../Contest.js"
import { inMemory } from "../Entrants.js"
import { judgedBy, rateTable } from "../Figures.js"
import type { Load } from "../Load.js"
import * as RedisServer from "../RedisServer.js"
import { line, missing, type Row } from "../Row.js"
import { perSecond, ratios } from "../Sample.js"

const hot = (calls: number): Load => ({ manner: "race", callers: 64, sessions: 1, calls, timed: true })

/** The row. */
export const P8: Row = {
  id: "P8",
  title: "Durable hot session, 64 callers",
  measure: async ({ rounds, scale, say }) => {
    const redis = RedisServer.isInstalled() ? ["Redis, Lua, fsync always"] : []
    const contest = await hold(
      [
        ...["onelane, SQLite", "onelane, SQLite, Promise"].map((name) =>
          inMemory(name, hot(Math.round(60_000 * scale)))
        ),
        ...redis.map((name) => inMemory(name, hot(Math.round(20_000 * scale)))),
        ...["SQLite, a commit each", "PostgreSQL, CAS each"].map((name) =>
          inMemory(name, hot(Math.round(4_000 * scale)))
        )
      ],
      { rounds, say, warmUps: 2 }
    )
    const against = (name: string, door = "onelane, SQLite") =>
      ratios(contest.get(door)!.samples, contest.get(name)!.samples, perSecond)
    const ahead = { bound: 1, side: "least" } as const
    return {
      judged: judgedBy(contest),
      lines: [
        line("P8", "rate against PostgreSQL compare-and-set", against("PostgreSQL, CAS each"), {
          bound: 10,
          side: "least"
        }),
        line("P8", "rate against SQLite, a commit each", against("SQLite, a commit each"), ahead),
        line(
          "P8",
          "Promise API: rate against SQLite, a commit each",
          against("SQLite, a commit each", "onelane, SQLite, Promise"),
          ahead
        ),
        redis.length > 0
          ? line("P8", "rate against Redis, Lua, fsync always", against(redis[0]!), ahead)
          : missing("P8", "rate against Redis, Lua, fsync always", ahead, "redis-server is not installed here")
      ],
      tables: [rateTable("One session, 64 callers", contest)]
    }
  }
}
