/** Flows as JSON files: what they mean, the place of every mistake, and the published schema. */
import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { Flow } from "@onelane/checkout"
import { Either } from "effect"
import * as FlowFile from "../src/app/FlowFile.js"
import { serving } from "./Serving.js"

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), "utf8")
const path = new URL("programs/flow.json", import.meta.url).pathname

const wrongs = (file: unknown): ReadonlyArray<string> => {
  const found = FlowFile.parse(typeof file === "string" ? file : JSON.stringify(file))
  return Either.isLeft(found) ? found.left.split("\n") : []
}

const flow = (states: object, more: object = {}) => ({ name: "shop", initial: "A", states, ...more })
const end = { next: [] }

describe("a flow as a JSON file", () => {
  it("has states, what may follow, proceeding states, and states that are worked on elsewhere", () => {
    const found = Either.getOrThrow(FlowFile.parse(read("programs/flow.json")))
    assert.isTrue(Flow.isFlow(found))
    assert.deepStrictEqual([...found.states], ["Basket", "Price", "Pay", "Receipt"])
    assert.deepStrictEqual([...found.tasks.keys()], ["Price", "Pay"])
    assert.deepStrictEqual([...found.proceed], [["Price", "Pay"]])
    assert.isNull(Flow.transitionOf(found, "Pay", "Basket").task)
    assert.isNotNull(found.data)
  })

  it("the file of b2b is the preset b2b-work, whose seven background states are worked on elsewhere", () => {
    const found = Either.getOrThrow(FlowFile.parse(read("../../../examples/flows/b2b.json")))
    assert.deepStrictEqual(found.transitions, { ...Flow.b2b.transitions })
    const { proceed, tasks } = Flow.presets["b2b-work"]
    assert.strictEqual(tasks.size, 7)
    assert.deepStrictEqual(new Map(found.tasks), new Map(tasks))
    assert.deepStrictEqual(new Map(found.proceed), new Map(proceed))
  })

  const mistakes: ReadonlyArray<[unknown, ReadonlyArray<RegExp>]> = [
    ["{", [/^\/: it is not JSON: /]],
    [[], [/^\/: Expected/]],
    [{ name: "shop", initial: "A" }, [/^\/states: is missing/]],
    [flow({}), [/^\/states: it has no states/, /^\/initial: it is not one of the states/]],
    [flow({ A: end }, { initial: "B" }), [/^\/initial: it is not one of the states/]],
    [flow({ A: { next: ["B"] } }), [/^\/states\/A\/next\/0: it is not one of the states/]],
    [
      flow({ A: { next: ["B", "A", "B"] }, B: end }),
      [/^\/states\/A\/next\/1: .*itself/, /^\/states\/A\/next\/2: .*twice/]
    ],
    [flow({ A: { next: 5 } }), [/^\/states\/A\/next: /]],
    [flow({ A: { next: [], color: "red" } }), [/^\/states\/A\/color: is unexpected/]],
    [flow({ "a/b": { next: [5] }, A: end }), [/^\/states\/a~1b\/next\/0: /]],
    [flow({ A: { next: ["B"], proceed: "A" }, B: end }), [/^\/states\/A\/proceed: it may not follow/, /circle/]],
    [
      flow({ A: { next: ["B"], proceed: "B" }, B: { next: ["A"], proceed: "A" } }),
      [/^\/states\/A\/proceed: states proceed in a circle/, /^\/states\/B\/proceed: states proceed in a circle/]
    ],
    [flow({ A: { next: [], work: {} } }), [/^\/states\/A\/work: a final state has no work/]],
    [flow({ A: { next: ["B"], work: { deadlineMillis: 0 } }, B: end }), [/^\/states\/A\/work\/deadlineMillis: /]],
    [flow({ A: { next: ["B"], work: { nextStates: ["A"] } }, B: end }), [/^\/states\/A\/work\/nextStates\/0: /]],
    [flow({ A: end, Error: end }), [/^\/states\/Error: Error is the engine's own state/]],
    [flow({ A: end, " x": end }), [/^\/states\/ x: the name /]],
    [flow({ A: end }, { migrate: { A: "A" }, version: 2 }), [/^\/migrate\/A: the former name is still a state/]],
    [flow({ A: end }, { migrate: { B: "A" } }), [/version/]],
    [flow({ A: end }, { version: 1.5 }), [/^\/version: /]],
    [flow({ A: end }, { data: false }), [/^\/data: it must be true or a JSON Schema/]],
    [
      flow({ A: { next: ["B"] } }, { data: { properties: { "a/b": { typ: "string" } } } }),
      [/^\/states\/A\/next\/0: /, /^\/data\/properties\/a~1b\/typ: it is none of type, /]
    ]
  ]
  it("is refused with the place of every mistake", () => {
    for (const [file, expected] of mistakes) {
      const found = wrongs(file)
      assert.strictEqual(found.length, expected.length, `${JSON.stringify(file)}: ${found.join("; ")}`)
      for (const [index, each] of expected.entries()) assert.match(found[index]!, each)
    }
  })

  it("has the JSON Schema that the package publishes", () => {
    const made = JSON.parse(JSON.stringify(FlowFile.published()))
    assert.deepStrictEqual(JSON.parse(read("../flow.schema.json")), made)
  })

  it.live("is served: an update claims the state, and whoever works elsewhere closes the claim", () =>
    serving(
      { token: { userId: "ann", roles: ["modify-all-data"] } },
      async (url) => {
        const call = async (at: string, body: object): Promise<any> => {
          const headers = { authorization: "Bearer token", "content-type": "application/json" }
          const response = await fetch(`${url}/v1/${at}`, { method: "POST", headers, body: JSON.stringify(body) })
          return response.json()
        }
        const opened = await call("checkout-sessions", { cartId: "cart-1" })
        const at = `checkout-sessions/${opened.session.id}`
        const { session } = await call(`${at}/update`, { expCurrentState: "Basket", nextState: "Price" })
        assert.deepInclude(session, { state: "Price", nextState: "Pay", isProcessing: true })
        const done = await call(`${at}/operations/${session.operationId}/complete`, { data: { price: 5 } })
        assert.deepInclude(done.session, { state: "Pay", isProcessing: false, data: { price: 5 } })
        const wrong = await call(`${at}/update`, {
          expCurrentState: "Pay",
          nextState: "Basket",
          data: { price: -1, x: 1 }
        })
        assert.deepInclude(wrong, { reason: "DATA_MISMATCH", paths: ["/price", "/x"] })
      },
      [
        ...["--flow", path, "--seed"],
        JSON.stringify({
          users: [{ id: "ann" }],
          stores: ["s"],
          accounts: [{ id: "a", users: ["ann"], stores: ["s"] }],
          carts: [{ id: "cart-1", storeId: "s", accountId: "a", ownerId: "ann" }]
        })
      ]
    )
  )
})
