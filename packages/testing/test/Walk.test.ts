import { assert, describe, it } from "@effect/vitest"
import { defineApp, Flow } from "@onelane/sdk"
import { type WalkCase, walk } from "../src/index.js"
import { shop } from "./plantedShops.js"

const names = (cases: ReadonlyArray<WalkCase>): ReadonlyArray<string> => cases.map(({ name }) => name)

const failuresOf = async (cases: ReadonlyArray<WalkCase>): Promise<ReadonlyArray<string>> => {
  const failures: Array<string> = []
  for (const { name, run } of cases) await run().catch((thrown) => void failures.push(`${name}: ${thrown.message}`))
  return failures
}

describe("walk", () => {
  const presets = Object.keys(Flow.presets) as ReadonlyArray<keyof typeof Flow.presets>
  for (const preset of presets.filter((name) => name.startsWith("b2b")))
    it(`every transition and every refusal of the preset ${preset} is as its flow says`, {
      timeout: 60_000
    }, async () => {
      const cases = walk({ flow: preset })
      const { transitions } = Flow.presets[preset]
      const edges = Object.values<ReadonlyArray<string>>(transitions).flat().length
      assert.isAtLeast(cases.filter(({ kind }) => kind === "transition").length, edges - 8)
      assert.deepStrictEqual(await failuresOf(cases), [])
    })

  describe("a shop with tasks", () => {
    const cases = walk(shop())
    it("has a case for every transition, refusal, Error, retry and deadline", () => {
      assert.deepStrictEqual(
        ["transition", "refusal", "race", "error", "retry", "deadline"].map(
          (kind) => cases.filter((each) => each.kind === kind).length
        ),
        [4, 3, 1, 3, 3, 3]
      )
      assert.include(names(cases), "the task of Pay fails once, and is repeated under its work key")
    })
    for (const { name, run } of cases) it(name, run)
  })

  it("finds a task that uses another key for its second attempt, and one that swallows a failure", async () => {
    const flow = Flow.defineFlow({
      name: "one",
      initial: "Cart",
      transitions: { Cart: ["Work"], Work: ["Done"], Done: [] },
      tasks: { Work: { run: async () => Promise.reject({ code: "BROKEN", message: "It never works", final: true }) } }
    })
    const failures = await failuresOf(walk(defineApp({ flow })))
    assert.isAbove(failures.length, 0)
    assert.match(failures.join("\n"), /Work → Done ended in Error/)
  })
})
