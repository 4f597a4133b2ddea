import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { type Findings, type Instrument, lacking, least } from "../src/Instrument.js"
import { passed, prove, render } from "../src/Prove.js"
import { instrument as interruption } from "../src/prove/Interruption.js"
import { instrument as passivation } from "../src/prove/Passivation.js"
import { instrument as tasks } from "../src/prove/Tasks.js"

const options = { seed: 7, minutes: 1, short: true, progress: () => undefined }
const finding = (findings: Partial<Findings>): Instrument => ({
  name: "planted",
  run: () => Effect.succeed({ cases: 3, failures: [], notes: [], ...findings })
})

describe("Prove", () => {
  it.effect("passes a run that found nothing where enough happened", () =>
    Effect.map(prove(finding({ tally: least }), options), (row) => {
      assert.deepInclude(row, { instrument: "planted", cases: 3, failures: 0, seed: 7 })
      assert.isTrue(passed(row))
    })
  )

  it.effect("does not pass a failure, and tells it in full", () =>
    Effect.map(prove(finding({ failures: ["seed 9 lost an update"] }), options), (row) => {
      assert.isFalse(passed(row))
      assert.include(render([row]), "planted: seed 9 lost an update")
    })
  )

  it.effect("a run in which too little happened, or that died, is invalid", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(lacking({ ...least, unknown: 49 }), ["49 unknown, fewer than 50"])
      const few = yield* prove(finding({ tally: { ...least, faults: 9 } }), options)
      const none = yield* prove(finding({ cases: 0 }), options)
      const dead = yield* prove({ name: "planted", run: () => Effect.die("no disk") }, options)
      for (const row of [few, none, dead]) {
        assert.isFalse(passed(row))
        assert.include(render([row]), "invalid: ")
      }
    })
  )

  for (const instrument of [interruption, passivation, tasks]) {
    it.live(
      `${instrument.name}: the short form passes`,
      () =>
        Effect.map(prove(instrument, options), (row) => {
          assert.isTrue(passed(row), render([row]))
        }),
      120_000
    )
  }
})
