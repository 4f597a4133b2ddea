/** Three nodes and a PostgreSQL as processes, one fault of each kind that loses most. More is in Cluster.long.test.ts. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { tallyOf } from "../src/Instrument.js"
import * as Cluster from "../src/prove/Cluster.js"

/** A node is killed, then the database, one after the other. */
const inTurn = (): Cluster.Fault => {
  let count = 0
  return ({ nodes, postgres }) =>
    Effect.gen(function* () {
      if (count++ % 2 === 0) {
        yield* nodes[0]!.kill
        yield* nodes[0]!.start
        return "killed"
      }
      yield* postgres.crash
      yield* postgres.start
      return "database killed"
    })
}

describe("Cluster", () => {
  it.live(
    "keeps one linearizable history when a node is killed, and when the database is",
    () =>
      Effect.gen(function* () {
        const enough = { acknowledged: 100, refused: 50, unknown: 1, faults: 2 }
        const { faults, history, problems } = yield* Cluster.run({ seed: 1, millis: 0, fault: inTurn(), enough })
        assert.deepStrictEqual(problems, [])
        assert.containsAllKeys(faults, ["killed", "database killed"])
        assert.isAbove(tallyOf(history, 2).acknowledged, 50)
      }),
    300_000
  )
})
