import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { apply, hunt, load } from "../src/simulation/Mutant.js"
import { mutations } from "../src/simulation/Mutations.js"
import { run } from "../src/simulation/Simulation.js"

const timeout = 120_000

/** The four guards of the engine; the other builds are in Mutant.long.test.ts. */
const guards = mutations.filter(({ name }) => /^without A\d$/.test(name))

describe("Mutant", () => {
  it.scoped("is the product itself when nothing is edited", () =>
    Effect.map(load([]), (copy) => {
      for (const seed of [1, 2, 3]) assert.deepStrictEqual(copy(seed).history, run(seed).history)
    })
  )

  it("does not take an edit whose text is gone, or stands twice", () => {
    const edit = { file: "engine/src/Turn.ts", find: "a", replace: "b" }
    assert.strictEqual(apply("xax", edit), "xbx")
    assert.throws(() => apply("x", edit), "0 times")
    assert.throws(() => apply("aa", edit), "2 times")
  })

  for (const mutation of guards) {
    it.effect(
      `is caught: ${mutation.name}`,
      () =>
        Effect.map(hunt(mutation, 1, 100), ({ caught }) => {
          assert.isNotNull(caught)
        }),
      timeout
    )
  }
})
