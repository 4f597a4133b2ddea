/**
 * P2: an update in memory through Promises, against a plain `async` function over a Map.
 *
 * There are two floors. The smallest keeps a state and a version and answers with them. It is not comparable with an
 * update that answers with a whole checkout session: most of the difference is the objects of the answer. So the target
 * applies to the second floor. That one takes the same input, gives the same answer, and checks only the state. The
 * first is shown beside it, with the same bound.
 *
 * Accepted updates are measured with one session per caller. If 64 concurrent callers use one session through Promises,
 * only one can be accepted, so one hot session measures refusals.
 */
import { hold, type Outcome } from "../Contest.js"
import { inMemory } from "../Entrants.js"
import { costTable, judgedBy } from "../Figures.js"
import type { Load } from "../Load.js"
import { line, type Row, type Target } from "../Row.js"
import { cpuEach, ratios } from "../Sample.js"

const on = (sessions: number, manner: Load["manner"], calls: number): Load => ({ manner, callers: 64, sessions, calls })

const floor = "async function, same answer"
const smallest = "async function"
const ours = "onelane, Promise"
const libraries = ["xstate", "async-mutex", "p-queue", "nact"]

/** The row. */
export const P2: Row = {
  id: "P2",
  title: "Update in memory, Promise API, 64 callers",
  measure: async ({ rounds, scale, say }) => {
    const calls = Math.round(400_000 * scale)
    const held = (load: Load) =>
      hold(
        [floor, smallest, ours].map((name) => inMemory(name, load)),
        { rounds, say }
      )
    const accepting = await held(on(64, "accepted", calls))
    const refusing = await held(on(1, "refused", calls))
    const racing = await hold(
      [
        ...[floor, smallest, "bare", "promise chain", ours].map((name) => inMemory(name, on(1, "race", calls))),
        ...libraries.map((name) => inMemory(name, on(1, "race", calls >> (name === "nact" ? 5 : 2))))
      ],
      { rounds, say }
    )
    const against = (contest: ReadonlyMap<string, Outcome>, name: string) =>
      ratios(contest.get(ours)!.samples, contest.get(name)!.samples, cpuEach)
    const beside = (what: string, contest: ReadonlyMap<string, Outcome>, target: Target) => [
      line("P2", `${what}, against an async function over a Map, same answer`, against(contest, floor), target),
      line("P2", `${what}, against the smallest async function over a Map`, against(contest, smallest), target)
    ]
    return {
      judged: judgedBy(accepting, refusing, racing),
      lines: [
        ...beside("accepted, Promise API", accepting, { bound: 2.9, side: "most" }),
        ...beside("refused, Promise API", refusing, { bound: 2.2, side: "most" }),
        ...beside("racing, Promise API", racing, { bound: 2.2, side: "most" }),
        ...libraries.map((name) =>
          line(
            "P2",
            `racing, Promise API: CPU of ${name} against ours`,
            ratios(racing.get(name)!.samples, racing.get(ours)!.samples, cpuEach),
            { bound: 4, side: "least" }
          )
        )
      ],
      tables: [
        costTable("Every update right, a session for each caller", accepting, floor),
        costTable("Every update wrong, one session", refusing, floor),
        costTable("Racing on one session", racing, floor)
      ]
    }
  }
}
