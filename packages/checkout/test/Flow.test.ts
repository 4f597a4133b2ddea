import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Flow from "../src/flow/Flow.js"
import { backgroundStates, checkoutStates } from "../src/session/CheckoutState.js"

const edgesOf = (flow: Flow.Flow) =>
  Object.fromEntries([...flow.edges].filter(([state]) => state !== "Error").map(([state, next]) => [state, [...next]]))

/** A path, written as the contract writes it. */
const chain = (...states: ReadonlyArray<string>) =>
  Object.fromEntries(states.map((state, index) => [state, states.slice(index + 1, index + 2)]))

describe("Flow", () => {
  it("b2b is the current re-entrant flow, edge by edge", () =>
    assert.deepStrictEqual(edgesOf(Flow.b2b), {
      ...chain(
        "Shipping Address",
        "Inventory",
        "Confirm Price",
        "Calculate Promotions",
        "Shipping Cost",
        "Delivery Method",
        "Taxes",
        "Payment And Billing Address",
        "Checkout Summary",
        "Cart To Order",
        "Authorize Payment",
        "Activate Order",
        "Order Confirmation",
        "Complete"
      ),
      Start: ["Shipping Address", "Inventory"]
    }))

  it("b2b-async is the same without Calculate Promotions", () => {
    const { "Calculate Promotions": _, ...others } = edgesOf(Flow.b2b)
    assert.deepStrictEqual(edgesOf(Flow.b2bAsync), { ...others, "Confirm Price": ["Shipping Cost"] })
  })

  it("b2b-classic is the flow of 2020-2021, edge by edge", () =>
    assert.deepStrictEqual(edgesOf(Flow.b2bClassic), {
      ...chain("Shipping Address", "Inventory", "Confirm Price", "Shipping Cost"),
      ...chain("Delivery Method", "Taxes", "Checkout Summary", "Cart To Order", "Payment And Billing Address"),
      ...chain("Payment And Billing Address", "Activate Order", "Order Confirmation", "Complete"),
      Start: ["Shipping Address", "Inventory"],
      "Shipping Cost": ["Delivery Method", "Taxes"]
    }))

  it("any leads from every state to every other, and ends nowhere", () => {
    for (const state of checkoutStates) {
      assert.deepStrictEqual(
        [...Flow.any.edges.get(state)!],
        checkoutStates.filter((other) => other !== state)
      )
      assert.isFalse(Flow.isFinal(Flow.any, state))
    }
  })

  it("every preset begins at Start, retries from Error anywhere, never leads to Error, and only Complete is final", () => {
    for (const [name, flow] of Object.entries(Flow.presets)) {
      assert.strictEqual(flow.name, name)
      assert.strictEqual(flow.initial, "Start")
      assert.strictEqual(flow.tasks.size, 0)
      assert.deepStrictEqual(flow.edges.get("Error"), flow.states)
      for (const state of flow.states) {
        assert.isTrue((checkoutStates as ReadonlyArray<string>).includes(state))
        assert.isFalse(Flow.allows(flow, state, "Error"))
        assert.isFalse(Flow.allows(flow, state, state))
        assert.isTrue(Flow.allows(flow, "Error", state))
        assert.strictEqual(Flow.isFinal(flow, state), name !== "any" && state === "Complete")
      }
    }
  })

  it("every background state is one of the default flow", () => {
    for (const state of backgroundStates) assert.isTrue(Flow.b2b.states.has(state), state)
  })

  it("has no back edge: no preset leads back to where a session was", () => {
    for (const flow of [Flow.b2b, Flow.b2bAsync, Flow.b2bClassic]) {
      const walk = (state: string, seen: ReadonlyArray<string>): void => {
        assert.notInclude(seen, state)
        for (const next of flow.edges.get(state)!) walk(next, [...seen, state])
      }
      walk("Start", [])
    }
  })

  it("refuses a definition that cannot be one", () => {
    const define = (transitions: Flow.Transitions, more: object = {}) =>
      Flow.defineFlow({ name: "mine", initial: "A", transitions, ...more } as Flow.FlowDefinition<Flow.Transitions>)
    const refuses = (pattern: RegExp, transitions: Flow.Transitions, more?: object) =>
      assert.throws(() => define(transitions, more), pattern)
    refuses(/no states/, {})
    refuses(/initial state "Z"/, { A: [] }, { initial: "Z" })
    refuses(/A leads to "B"/, { A: ["B"] })
    refuses(/A leads to itself/, { A: ["A"] })
    refuses(/Error is the engine's own/, { A: [], Error: [] })
    refuses(/Error/, { A: ["Error"] })
    refuses(/1\.\.30 characters/, { A: [], ["x".repeat(31)]: [] })
    refuses(/1\.\.30 characters/, { A: [], "": [] })
    refuses(/unknown state "B"/, { A: [] }, { tasks: { B: {} } })
    assert.strictEqual(define({ A: [], ["x".repeat(30)]: ["A"] }).states.size, 2)
  })

  it("refuses a task out of its bounds, attached early or late", () => {
    const task = { deadlineMillis: 0 }
    assert.throws(() => Flow.withTasks(Flow.b2b, { Taxes: task }), /task of Taxes: deadlineMillis/)
    assert.throws(
      () => Flow.defineFlow({ name: "mine", initial: "A", transitions: { A: [] }, tasks: { A: task } }),
      /deadlineMillis/
    )
    assert.throws(() => Flow.withTasks<Flow.Transitions>(Flow.b2b, { Nowhere: {} }), /unknown state "Nowhere"/)
  })

  it("tasks are added to a copy, and a state that is not named keeps its own", () => {
    const [first, second] = [{ run: () => Effect.void }, { deadlineMillis: 5 }]
    const one = Flow.withTasks(Flow.b2b, { Taxes: first, Inventory: first })
    const two = Flow.withTasks(one, { Taxes: second, Inventory: undefined })
    assert.deepStrictEqual(Flow.b2b.tasks.size, 0)
    assert.deepStrictEqual([...one.tasks.values()], [first, first])
    assert.deepStrictEqual(Object.fromEntries(two.tasks), { Taxes: second, Inventory: first })
  })
})
