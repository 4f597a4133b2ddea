import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import * as Chain from "../src/Chain.js"
import { defaultModel, type Model, starts } from "../src/Register.js"
import { search } from "../src/Search.js"
import { bruteForce, corrupt, liveliest, trueHistory } from "./RandomHistory.js"

const budget = 100_000
const plainest: Model = { ...defaultModel, finals: [], initial: "A" }
const models = fc.constantFrom(plainest, liveliest)
const choicesOf = (minLength: number, maxLength: number) => fc.array(fc.nat(1 << 20), { minLength, maxLength })
const timeout = 60_000

describe("Chain", () => {
  it("accepts every true history", { timeout }, () => {
    fc.assert(
      fc.property(choicesOf(50, 2_000), fc.integer({ min: 2, max: 16 }), models, (choices, callers, model) => {
        assert.strictEqual(Chain.check(trueHistory(choices, callers, model), model, budget), null)
      }),
      { numRuns: 200 }
    )
  })

  it("agrees with a search through every order on small histories", { timeout }, () => {
    const verdicts = { true: 0, false: 0 }
    fc.assert(
      fc.property(choicesOf(6, 22), fc.nat(1 << 20), models, (choices, choice, model) => {
        const history = corrupt(trueHistory(choices, 3, model), choice)
        const expected = bruteForce(history, model, starts(model, history, true))
        verdicts[`${expected}`]++
        assert.strictEqual(Chain.check(history, model, budget) === null, expected)
      }),
      { numRuns: 3_000 }
    )
    assert.isAbove(Math.min(verdicts.true, verdicts.false), 300)
  })

  it("agrees with Search on histories too long for that", { timeout }, () => {
    const verdicts = { true: 0, false: 0 }
    fc.assert(
      fc.property(
        choicesOf(30, 300),
        fc.nat(1 << 20),
        fc.integer({ min: 2, max: 8 }),
        models,
        (choices, choice, callers, model) => {
          const history = corrupt(trueHistory(choices, callers, model), choice)
          const found = search(history, model, budget)
          if (found === "undecided") return
          verdicts[`${found}`]++
          assert.strictEqual(Chain.check(history, model, budget) === null, found)
        }
      ),
      { numRuns: 1_000 }
    )
    assert.isAbove(Math.min(verdicts.true, verdicts.false), 100)
  })
})
