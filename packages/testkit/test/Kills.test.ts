/** Real processes, killed. More is in Kills.long.test.ts, and in `npm run prove -- --only kills`. */
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as RealFaults from "../src/faults/RealFaults.js"
import { tallyOf } from "../src/Instrument.js"
import * as Folder from "../src/processes/Folder.js"
import type * as Service from "../src/processes/Service.js"
import * as Kills from "../src/prove/Kills.js"

describe("Kills", () => {
  for (const kind of ["http", "sdk"] as const) {
    it.live(
      `a process reached by ${kind} and killed again and again keeps what it promised`,
      () =>
        Effect.gen(function* () {
          const { kills, history, problems } = yield* Kills.run({ kind, seed: 1, kills: 3 })
          assert.deepStrictEqual(problems, [])
          assert.isAtLeast(kills, 3)
          const { acknowledged, refused, unknown } = tallyOf(history, kills)
          assert.isAbove(acknowledged, 10)
          assert.isAbove(refused, 10)
          assert.isAbove(unknown, 0)
        }),
      120_000
    )
  }

  it.live(
    "clients of the SDK as they come are told the truth in an outage longer than they try",
    () =>
      Effect.gen(function* () {
        const { history, problems } = yield* Kills.run({
          ...{ kind: "clients", seed: 1, kills: 1, callers: 24, strike: Kills.outage }
        })
        assert.deepStrictEqual(problems, [])
        const { acknowledged, unknown } = tallyOf(history, 1)
        assert.isAbove(acknowledged, 5)
        assert.isAbove(unknown, 0)
      }),
    120_000
  )

  it.live(
    "a store that forgets what it acknowledged is found out",
    () =>
      Effect.gen(function* () {
        const storage = join(yield* Folder.make(), "checkout.db")
        let putBack: (() => void) | undefined
        const strike = (service: Service.Service) =>
          Effect.map(service.kill, () => {
            if (putBack === undefined) putBack = RealFaults.remember(storage)
            else putBack()
            return "gone" as const
          })
        const { problems } = yield* Kills.run({ kind: "http", seed: 1, kills: 3, strike, place: { storage } })
        assert.match(problems.join("\n"), /stale answer|conflicting answers|double win/)
      }).pipe(Effect.scoped),
    120_000
  )
})
