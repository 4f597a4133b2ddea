import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { load } from "../src/simulation/Mutant.js"
import { mutations } from "../src/simulation/Mutations.js"
import { describe as inWords, shrink } from "../src/simulation/Shrink.js"

const timeout = 120_000

describe("Shrink", () => {
  it.scoped(
    "makes a failing run smaller, and says how to repeat it",
    () =>
      Effect.gen(function* () {
        const { edits, scenario } = mutations.find(({ name }) => name === "without A4")!
        const mutant = yield* load(edits)
        const failing = Array.from({ length: 50 }, (_, seed) => mutant(seed, scenario)).find(
          (each) => each.problems.length > 0
        )!
        const smallest = shrink(failing, mutant)
        assert.isNotEmpty(smallest.problems)
        assert.isBelow(smallest.history.length, failing.history.length)
        assert.deepStrictEqual(smallest.scenario.faults, {})
        assert.strictEqual(smallest.scenario.sessions, 1)
        const again = mutant(smallest.seed, smallest.scenario)
        assert.deepStrictEqual(again.problems, smallest.problems)
        assert.isTrue(inWords(smallest).startsWith(`run(${smallest.seed}, {`))
      }),
    timeout
  )
})
