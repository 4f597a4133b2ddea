/** Three nodes and a PostgreSQL as processes, and every fault. Longer still is `npm run prove -- --only cluster`. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { passed, prove } from "../src/Prove.js"
import * as Cluster from "../src/prove/Cluster.js"

/** A database that puts the hot session back: whoever writes next gets past the fence a second time. */
const forgetful = (): Cluster.Fault => {
  let kept: Record<string, unknown> | undefined
  return ({ postgres, storage }) =>
    Effect.gen(function* () {
      const tables = /search_path%3D(\w+)/.exec(storage)![1]!
      const hot = "kind = 'session' AND id = 'cart-0'"
      if (kept === undefined) {
        kept = (yield* postgres.query(`SELECT sequence, state FROM ${tables}.journal_state WHERE ${hot}`))[0]
        return "kept"
      }
      const { sequence, state } = kept
      yield* postgres.query(`BEGIN; DELETE FROM ${tables}.journal_events WHERE ${hot} AND sequence > ${sequence};
        UPDATE ${tables}.journal_state SET sequence = ${sequence}, state = $kept$${state}$kept$ WHERE ${hot}; COMMIT`)
      return "put back"
    })
}

describe("Cluster", () => {
  it.live(
    "keeps one linearizable history through killed, paused and restarted nodes, cut connections and a dying database",
    () =>
      Effect.gen(function* () {
        const row = yield* prove(Cluster.instrument, { seed: 1, minutes: 0, short: true, progress: () => {} })
        yield* Effect.logInfo(row.notes.join("; "))
        assert.isTrue(passed(row), [...row.found, ...row.invalid, ...row.notes].join("\n"))
      }),
    300_000
  )

  it.live(
    "finds a fence that lets a second writer in",
    () =>
      Effect.gen(function* () {
        const { problems } = yield* Cluster.run({ seed: 1, millis: 0, fault: forgetful() })
        assert.match(problems.join("\n"), /stale answer|conflicting answers|double win/)
      }),
    300_000
  )
})
