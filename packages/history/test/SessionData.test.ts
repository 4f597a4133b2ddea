import { assert, describe, it } from "@effect/vitest"
import type { Operation } from "../src/History.js"
import { type CheckOptions, checkHistory } from "../src/Linearizable.js"
import { patched, textOf } from "../src/SessionData.js"
import type { Fault } from "../src/Verdict.js"
import { withoutVersions } from "./RandomHistory.js"

type Fields = Partial<Operation>

const at = (version: number, state: string, data: unknown, next: string | null = null): Fields => ({
  observed: { version, state, next, archived: false, data: textOf(data) }
})
const call = (action: Operation["action"], invoked: number, returned: number, fields: Fields): Operation => ({
  ...{ process: invoked, session: "cs_1", outcome: "ok", action, invoked, returned },
  ...fields
})
const opened = call("open", 0, 1, { patch: { cart: 1 }, ...at(1, "Start", { cart: 1 }) })
const update = (invoked: number, returned: number, way: string, patch: unknown, fields: Fields): Operation => {
  const [expected, next] = way.split(">")
  return call("update", invoked, returned, { expected, next, patch, ...fields })
}
const read = (invoked: number, returned: number, fields: Fields) => call("read", invoked, returned, fields)

const faults = (history: ReadonlyArray<Operation>, options?: CheckOptions): ReadonlyArray<Fault> =>
  checkHistory([opened, ...history], options).violations.map((each) => each.rule)

const accepts = (history: ReadonlyArray<Operation>, options?: CheckOptions) => {
  assert.deepStrictEqual(faults(history, options), [])
  assert.deepStrictEqual(faults(withoutVersions(history), options), [])
}

const rejects = (rule: Fault, history: ReadonlyArray<Operation>, options?: CheckOptions) => {
  assert.deepStrictEqual(faults(history, options), [rule])
  assert.deepStrictEqual(faults(withoutVersions(history), options), ["no order"])
}

describe("checkHistory: data", () => {
  it("a merge patch sets, replaces and removes members, at any depth", () => {
    assert.strictEqual(patched('{"a":{"b":1,"c":2}}', { a: { c: null, d: [1] }, e: 3 }), '{"a":{"b":1,"d":[1]},"e":3}')
    assert.strictEqual(patched("{}", JSON.parse('{"__proto__":{"x":1}}')), '{"__proto__":{"x":1}}')
    assert.isUndefined(patched(undefined, { a: 1 }))
  })

  it("a winner's patch is there from its version on, a loser's never", () =>
    accepts([
      update(2, 5, "Start>A", { by: "winner" }, at(2, "A", { cart: 1, by: "winner" })),
      update(
        3,
        6,
        "Start>A",
        { by: "loser" },
        { outcome: "fail", error: "ExpectedStateMismatch", ...at(2, "A", { cart: 1, by: "winner" }) }
      ),
      read(7, 8, at(2, "A", { cart: 1, by: "winner" }))
    ]))

  it("finds a patch that was lost", () =>
    rejects("conflicting answers", [
      update(2, 3, "Start>A", { by: "winner" }, at(2, "A", { cart: 1, by: "winner" })),
      read(4, 5, at(2, "A", { cart: 1 }))
    ]))

  it("finds a patch that its own answer does not show", () =>
    rejects("wrong effect", [update(2, 3, "Start>A", { by: "winner" }, at(2, "A", { cart: 1 }))]))

  it("finds a patch that was applied in half", () =>
    rejects("wrong effect", [update(2, 3, "Start>A", { x: 1, y: 1 }, at(2, "A", { cart: 1, x: 1 }))]))

  it("finds a loser's patch that others see", () =>
    rejects("unexplained change", [
      update(2, 3, "Start>A", { by: "loser" }, { outcome: "fail", error: "InvalidData" }),
      read(4, 5, at(2, "Start", { cart: 1, by: "loser" }))
    ]))

  it("an unknown outcome may have applied its patch, whole", () => {
    const doubtful = update(2, 3, "Start>A", { x: 1 }, { outcome: "info" })
    accepts([doubtful, read(4, 5, at(2, "A", { cart: 1, x: 1 }))])
    accepts([doubtful, read(4, 5, at(1, "Start", { cart: 1 }))])
    rejects("unexplained change", [doubtful, read(4, 5, at(2, "A", { cart: 1 }))])
  })

  it("a task of the engine may write data, or must not where the run says so", () => {
    const history = [
      update(2, 3, "Start>A", { x: 1 }, at(2, "Start", { cart: 1, x: 1 }, "A")),
      read(4, 5, at(3, "A", { cart: 1, x: 1, paid: true })),
      update(6, 7, "A>B", { y: 1 }, at(4, "B", { cart: 1, x: 1, paid: true, y: 1 }))
    ]
    assert.deepStrictEqual(faults(history, { spontaneous: ["task"] }), [])
    assert.deepStrictEqual(faults(history, { spontaneous: ["task"], taskData: false }), ["unexplained change"])
  })
})
