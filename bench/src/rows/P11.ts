/** P11: two runners of a cluster against one, over PostgreSQL; and against a plain `@effect/cluster` entity doing the same. */

import { hold } from "../Contest.js"
import { field } from "../cluster/ClusterField.js"
import { judgedBy, rateTable } from "../Figures.js"
import type { Load } from "../Load.js"
import { least, line, type Row } from "../Row.js"
import { cpuEach, perSecond, ratios, type Sample, spreadOf } from "../Sample.js"

const callers = (calls: number): Load => ({ manner: "accepted", callers: 256, sessions: 1_024, calls, timed: true })

/** The rate with one core per runner, if only the runners used CPU. */
const capacity = (runners: number, sample: Sample): number => runners / cpuEach(sample)

/** The row. */
export const P11: Row = {
  id: "P11",
  title: "Cluster over PostgreSQL: two runners against one, 256 writers each",
  measure: async ({ rounds, scale, say }) => {
    const [many, few] = [callers(Math.round(48_000 * scale)), callers(Math.round(3_000 * scale))]
    const contest = await hold(
      [
        field("onelane, one runner", "onelane", 1, many),
        field("onelane, two runners", "onelane", 2, many),
        field("cluster entity, two runners", "entity", 2, few)
      ],
      { rounds, say, warmUps: 2 }
    )
    const of = (name: string) => contest.get(name)!.samples
    const [one, two, entity] = [
      of("onelane, one runner"),
      of("onelane, two runners"),
      of("cluster entity, two runners")
    ]
    const scaling = spreadOf(two.map((sample, round) => capacity(2, sample) / capacity(1, one[round]!)))
    return {
      judged: judgedBy(contest),
      lines: [
        line("P11", "updates a CPU second of the runners: two on a core each against one", scaling, least(1.3)),
        line(
          "P11",
          "rate against a plain entity with a compare-and-set in SQL, two runners",
          ratios(two, entity, perSecond),
          least(5)
        )
      ],
      tables: [rateTable("256 writers a runner, each on sessions of its own; half of the calls are forwarded", contest)]
    }
  }
}
