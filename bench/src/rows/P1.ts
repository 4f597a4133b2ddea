/** P1: an update in memory through Effect, against a bare Effect no-op called the same way. */

import { hold, type Outcome } from "../Contest.js"
import { inMemory } from "../Entrants.js"
import { costTable, judgedBy } from "../Figures.js"
import type { Load } from "../Load.js"
import { line, type Row } from "../Row.js"
import { cpuEach, ratios } from "../Sample.js"

const hot = (manner: Load["manner"], calls: number): Load => ({ manner, callers: 64, sessions: 1, calls })

/** The row. */
export const P1: Row = {
  id: "P1",
  title: "Update in memory, Effect API, one hot session, 64 callers",
  measure: async ({ rounds, scale, say }) => {
    const calls = Math.round(400_000 * scale)
    const ours = await hold(
      [
        inMemory("Effect no-op", hot("accepted", calls)),
        inMemory("Map in Effect", hot("accepted", calls)),
        inMemory("onelane, Effect", hot("accepted", calls)),
        inMemory("onelane, effectful port", hot("accepted", calls >> 3))
      ],
      { rounds, say }
    )
    const refusing = await hold(
      [
        inMemory("Effect no-op that fails", hot("refused", calls)),
        inMemory("Map in Effect", hot("refused", calls)),
        inMemory("onelane, Effect", hot("refused", calls))
      ],
      { rounds, say }
    )
    const race = await hold(
      [
        ...["Effect no-op", "Map in Effect", "onelane, Effect"].map((name) => inMemory(name, hot("race", calls))),
        ...["semaphore", "SynchronizedRef"].map((name) => inMemory(name, hot("race", calls >> 2))),
        ...["Queue + Deferred", "Machine"].map((name) => inMemory(name, hot("race", calls >> 4))),
        inMemory("cluster entity", hot("race", calls >> 6))
      ],
      { rounds, say }
    )
    const of = (contest: ReadonlyMap<string, Outcome>, name: string) => contest.get(name)!.samples
    const against = (contest: ReadonlyMap<string, Outcome>, name: string, floor: string) =>
      ratios(of(contest, name), of(contest, floor), cpuEach)
    return {
      judged: judgedBy(ours, refusing, race),
      lines: [
        line("P1", "accepted update, Effect, against a no-op", against(ours, "onelane, Effect", "Effect no-op"), {
          bound: 2.6,
          side: "most"
        }),
        line(
          "P1",
          "refused update, Effect, against a no-op that fails",
          against(refusing, "onelane, Effect", "Effect no-op that fails"),
          {
            bound: 1.7,
            side: "most"
          }
        )
      ],
      tables: [
        costTable("Every update right", ours, "Effect no-op"),
        costTable("Every update wrong", refusing, "Effect no-op that fails"),
        costTable("Racing: each caller knows its own last answer", race, "Effect no-op")
      ]
    }
  }
}
