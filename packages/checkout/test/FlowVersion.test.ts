/** What a host may write about versions of a flow. */
import { assert, describe, it } from "@effect/vitest"
import * as Flow from "../src/flow/Flow.js"

const define = (more: object) =>
  Flow.defineFlow<Flow.Transitions>({ name: "shop", initial: "A", transitions: { A: ["B"], B: [] }, ...more })

describe("FlowVersion", () => {
  it("a flow has version 1 and no new names, unless it says otherwise", () => {
    assert.strictEqual(define({}).version, 1)
    assert.strictEqual(define({}).migrate.size, 0)
    const flow = define({ version: 3, migrate: { Old: "B", constructor: "A" } })
    assert.strictEqual(flow.version, 3)
    assert.deepStrictEqual(
      [...flow.migrate],
      [
        ["Old", "B"],
        ["constructor", "A"]
      ]
    )
    for (const preset of Object.values(Flow.presets)) assert.strictEqual(preset.version, 1)
  })

  it("a flow keeps its version and its new names when it gets tasks", () => {
    const flow = Flow.withTasks(define({ version: 2, migrate: { Old: "B" } }), { A: {} })
    assert.deepStrictEqual([flow.version, flow.migrate.get("Old")], [2, "B"])
    const compiled = Flow.compile(flow)
    assert.deepStrictEqual([compiled.version, compiled.migrate.get("Old")], [2, "B"])
  })

  it("what a host changes later does not change the flow", () => {
    const migrate = { Old: "B" }
    const flow = define({ version: 2, migrate })
    migrate.Old = "A"
    assert.strictEqual(flow.migrate.get("Old"), "B")
    assert.isFalse("set" in flow.migrate)
  })

  it("refuses what makes no sense, and says why", () => {
    const refused: ReadonlyArray<readonly [object, RegExp]> = [
      ...[0, -1, 1.5, "2", null, Number.NaN, 2 ** 53].map(
        (version) => [{ version }, /the version must be a whole number from 1 on/] as const
      ),
      [{ migrate: { Old: "B" } }, /migrate needs a version above 1/],
      [{ version: 2, migrate: { A: "B" } }, /migrate names "A", which is still one of its states/],
      [{ version: 2, migrate: { Old: "C" } }, /migrate leads Old to "C", which is not one of its states/],
      [{ version: 2, migrate: { Old: "Error" } }, /migrate leads Old to "Error", which is not one of its states/],
      [{ version: 2, migrate: { Old: 7 } }, /migrate leads Old to "a number", which is not one of its states/],
      [{ version: 2, migrate: { Error: "A" } }, /migrate names Error/],
      [{ version: 2, migrate: { " Old": "A" } }, /migrate names " Old": a state name must not begin or end with space/],
      [{ version: 2, migrate: { Old: "Older", Older: "B" } }, /"Older", which is a former name itself/]
    ]
    for (const [definition, why] of refused) assert.throws(() => define(definition), why)
    assert.doesNotThrow(() => define({ migrate: {} }))
  })

  it("the compiler takes new names that are states of the flow only", () => {
    const transitions = { A: ["B"], B: [] } as const
    const definition = { name: "typed", version: 2, initial: "A", transitions } as const
    assert.doesNotThrow(() => Flow.defineFlow({ ...definition, migrate: { Old: "B" } }))
    // @ts-expect-error C is no state of the flow
    assert.throws(() => Flow.defineFlow({ ...definition, migrate: { Old: "C" } }))
  })
})
