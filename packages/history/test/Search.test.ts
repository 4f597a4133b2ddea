import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import * as Chain from "../src/Chain.js"
import type { Operation } from "../src/History.js"
import { defaultModel, type Model, starts } from "../src/Register.js"
import { search } from "../src/Search.js"
import { bruteForce, corrupt, liveliest, trueHistory, withoutVersions } from "./RandomHistory.js"

const budget = 100_000
const plainest: Model = { ...defaultModel, finals: [], initial: "A" }
const models = fc.constantFrom(plainest, liveliest)
const small = fc.array(fc.nat(1 << 20), { minLength: 6, maxLength: 22 })
const large = fc.array(fc.nat(1 << 20), { minLength: 50, maxLength: 400 })
const timeout = 60_000
const call: Operation = { process: 0, session: "s", action: "update", outcome: "ok", invoked: 0, returned: 1 }

describe("Search", () => {
  it("accepts every true history, with versions and without", { timeout }, () => {
    fc.assert(
      fc.property(large, fc.integer({ min: 2, max: 8 }), models, (choices, callers, model) => {
        const history = trueHistory(choices, callers, model)
        assert.strictEqual(search(history, model, budget), true)
        assert.notStrictEqual(search(withoutVersions(history), model, budget), false)
      }),
      { numRuns: 300 }
    )
  })

  it("agrees with a search through every order on small histories", { timeout }, () => {
    const verdicts = { true: 0, false: 0 }
    fc.assert(
      fc.property(small, fc.nat(1 << 20), models, fc.boolean(), (choices, choice, model, versions) => {
        const told = corrupt(trueHistory(choices, 3, model), choice)
        const history = versions ? told : withoutVersions(told)
        const expected = bruteForce(history, model, starts(model, history, versions && Chain.applies(history)))
        verdicts[`${expected}`]++
        assert.strictEqual(search(history, model, budget), expected)
      }),
      { numRuns: 3_000 }
    )
    assert.isAbove(Math.min(verdicts.true, verdicts.false), 300)
  })

  it("says so when its budget is used up", () => {
    const calls = ["AB", "BA", "BC", "CA", "AC", "CB"].map(
      ([expected, next], process): Operation => ({ ...call, process, expected, next, observed: {} })
    )
    const impossible: Operation = { ...call, action: "read", invoked: 2, returned: 3, observed: { state: "D" } }
    assert.strictEqual(search([...calls, impossible], plainest, 3), "undecided")
    assert.strictEqual(search([...calls, impossible], plainest, budget), false)
  })
})
