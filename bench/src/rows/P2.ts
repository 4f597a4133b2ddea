/** P2: an update in memory through Promises, against a plain `async` function over a Map. */
import { hold } from "../Contest.js"
import { inMemory } from "../Entrants.js"
import { costTable, judgedBy } from "../Figures.js"
import type { Load } from "../Load.js"
import { line, type Row } from "../Row.js"
import { cpuEach, ratios } from "../Sample.js"

const hot = (manner: Load["manner"], calls: number): Load => ({ manner, callers: 64, sessions: 1, calls })

/** The row. */
export const P2: Row = {
  id: "P2",
  title: "Update in memory, Promise API, one hot session, 64 callers",
  measure: async ({ rounds, scale, say }) => {
    const calls = Math.round(400_000 * scale)
    const contest = await hold(
      [
        ...["async function", "bare", "promise chain"].map((name) => inMemory(name, hot("race", calls))),
        inMemory("onelane, Promise", hot("race", calls)),
        inMemory("onelane, Promise, without keys", hot("race", calls)),
        ...["xstate", "async-mutex", "p-queue"].map((name) => inMemory(name, hot("race", calls >> 2))),
        inMemory("nact", hot("race", calls >> 5))
      ],
      { rounds, say }
    )
    const against = (name: string) =>
      ratios(contest.get(name)!.samples, contest.get("async function")!.samples, cpuEach)
    const target = { bound: 1.3, side: "most" } as const
    return {
      judged: judgedBy(contest),
      lines: [
        line("P2", "update, Promise API, against an async function over a Map", against("onelane, Promise"), target),
        line("P2", "the same without idempotency keys", against("onelane, Promise, without keys"), target)
      ],
      tables: [costTable("Racing, Promises", contest, "async function")]
    }
  }
}
