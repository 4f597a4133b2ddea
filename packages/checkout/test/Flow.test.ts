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

  it("b2b-proceed is b2b whose background states proceed, each to the only state that follows it", () => {
    assert.deepStrictEqual(edgesOf(Flow.b2bProceed), edgesOf(Flow.b2b))
    assert.deepStrictEqual([...Flow.b2bProceed.proceed.keys()].sort(), [...backgroundStates].sort())
    for (const [state, next] of Flow.b2bProceed.proceed)
      assert.deepStrictEqual([...Flow.b2bProceed.edges.get(state)!], [next])
    assert.strictEqual(Flow.presets["b2b-proceed"], Flow.b2bProceed)
    // Without work, a session passes through.
    const { archives, state, through, work } = Flow.b2bProceed.arrivals.get("Inventory")!
    assert.deepStrictEqual([archives, state, work], [false, "Delivery Method", null])
    assert.deepStrictEqual(through, ["Inventory", "Confirm Price", "Calculate Promotions", "Shipping Cost"])
  })

  it("b2b-work is b2b-proceed whose background states have work that is done elsewhere", () => {
    const { edges, proceed, tasks } = Flow.presets["b2b-work"]
    assert.deepStrictEqual(edgesOf(Flow.b2bWork), edgesOf(Flow.b2b))
    assert.deepStrictEqual(new Map(proceed), new Map(Flow.b2bProceed.proceed))
    assert.deepStrictEqual([...tasks.keys()].sort(), [...backgroundStates].sort())
    for (const task of tasks.values()) assert.deepStrictEqual(task, { deadlineMillis: 600_000 })
    assert.isTrue(edges.has("Start"))
    // A session stops in the first of them until its claim is closed.
    assert.strictEqual(Flow.b2bWork.arrivals.get("Inventory")!.state, "Inventory")
  })

  it("b2b-sync pays and activates the order of a single-page checkout", () =>
    assert.deepStrictEqual(
      edgesOf(Flow.b2bSync),
      chain("Start", "Authorize Payment", "Activate Order", "Order Confirmation", "Complete")
    ))

  it("prices and promotions have known states before and after them, which any allows", () => {
    for (const state of ["Pre-Pricing", "Post-Pricing", "Pre-Promotions", "Post-Promotions"]) {
      assert.isTrue((checkoutStates as ReadonlyArray<string>).includes(state))
      assert.isTrue(Flow.any.states.has(state))
      assert.isFalse(Flow.b2b.states.has(state))
    }
  })

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
      assert.strictEqual(flow.tasks.size, name === "b2b-work" ? backgroundStates.length : 0)
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
    for (const flow of [Flow.b2b, Flow.b2bAsync, Flow.b2bSync, Flow.b2bClassic]) {
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
    for (const odd of [" A", "A ", "\u00a0A", "A\u3000"])
      refuses(/must not begin or end with space/, { A: [], [odd]: [] })
    for (const odd of ["Cafe\u0301", "\u212b"]) refuses(/normalization form C/, { A: [], [odd]: [] })
    for (const odd of [
      ...[
        "A\u0000",
        "A\nB",
        "A\u007f",
        "A\u0085B",
        "A\ud800",
        "\udc00A",
        "A\u200b",
        "A\u200dB",
        "A\u202eB",
        "A\u2066B"
      ],
      ...["A\u2028B", "A\u2029", "\ufeffA", "A\u00adB", "A\u034fB", "A\u3164", "A\u{e0041}", "A\ufe0f"]
    ])
      refuses(/must be printable/, { A: [], [odd]: [] })
    refuses(/unknown state "B"/, { A: [] }, { tasks: { B: {} } })
    assert.strictEqual(define({ A: [], ["x".repeat(30)]: ["A"] }).states.size, 2)
  })

  it("shows a name it refuses without its invisible characters, and not at any length", () => {
    const messageOf = (transitions: Flow.Transitions) => {
      try {
        Flow.defineFlow({ name: "evil\u202e", initial: "A", transitions } as Flow.FlowDefinition<Flow.Transitions>)
        return ""
      } catch (error) {
        return (error as Error).message
      }
    }
    for (const odd of ["A\u202eB", "A\u2028B", "A\ud800B", "A\u{e0041}", "x".repeat(100_000), "\u200b".repeat(1_000)])
      for (const message of [messageOf({ A: [], [odd]: [] }), messageOf({ A: [odd] })]) {
        assert.match(message, /^[\x20-\x7e]{1,350}$/)
        assert.include(message, 'flow "evil\\u202e"')
      }
  })

  it("names that every object has are names like any other", () => {
    const transitions: Flow.Transitions = {
      ["__proto__"]: ["constructor"],
      constructor: ["toString"],
      toString: ["hasOwnProperty"],
      hasOwnProperty: []
    }
    const flow = Flow.defineFlow<Flow.Transitions>({
      name: "odd",
      initial: "__proto__",
      transitions,
      tasks: { constructor: {} }
    })
    assert.deepStrictEqual([...flow.states], ["__proto__", "constructor", "toString", "hasOwnProperty"])
    assert.isTrue(Flow.transitionOf(flow, "__proto__", "constructor").isAllowed)
    assert.isFalse(Flow.transitionOf(flow, "__proto__", "valueOf").isAllowed)
    assert.isNotNull(Flow.transitionOf(flow, "constructor", "toString").task)
    assert.isNull(Flow.transitionOf(Flow.b2b, "Start", "Inventory").task)
  })

  it("an update from a state to itself runs no task", () => {
    const flow = Flow.withTasks(Flow.b2b, { Taxes: {} })
    assert.isNull(Flow.transitionOf(flow, "Taxes", "Taxes").task)
    assert.isTrue(Flow.transitionOf(flow, "Taxes", "Taxes").isAllowed)
  })

  it("a task may name the next states it is for; each must follow its state", () => {
    const transitions = { Edit: ["Ready"], Ready: ["Edit", "Paid"], Paid: [] } as const
    const nextStates = ["Paid" as const]
    const flow = Flow.defineFlow({ name: "pay", initial: "Edit", transitions, tasks: { Ready: { nextStates } } })
    assert.isNotNull(Flow.transitionOf(flow, "Ready", "Paid").task)
    assert.isNull(Flow.transitionOf(flow, "Ready", "Edit").task)
    nextStates.push("Edit" as never)
    assert.deepStrictEqual(flow.tasks.get("Ready")?.nextStates, ["Paid"])
    assert.isFrozen(flow.tasks.get("Ready")?.nextStates)
    assert.isNull(Flow.transitionOf(Flow.compile(flow), "Ready", "Edit").task)
    for (const astray of ["Ready", "Error", "Nowhere"])
      assert.throws(
        () => Flow.withTasks<Flow.Transitions>(flow, { Ready: { nextStates: ["Paid", astray] } }),
        `the task of Ready is for "${astray}", which does not follow Ready`
      )
    for (const odd of [[], "Paid", [7], null])
      assert.throws(
        () => Flow.withTasks<Flow.Transitions>(flow, { Ready: { nextStates: odd as never } }),
        /nextStates must be a list of at least one state/
      )
  })

  it("says which states proceed, where a session stays that comes to one, and which work it stays with", () => {
    const transitions = { A: ["B"], B: ["C", "End"], C: ["End"], End: [] }
    const written: { [state: string]: string } = { A: "B", B: "C", C: "End" }
    const tasks = { B: { nextStates: ["End"] }, C: {} }
    const define = (proceed: object) =>
      Flow.defineFlow<Flow.Transitions>({ name: "mine", initial: "A", transitions, tasks, proceed })
    const flow = define(written)
    delete written.A
    assert.deepStrictEqual(Object.fromEntries(flow.proceed), { A: "B", B: "C", C: "End" })
    // The work of B is not for the step to C.
    for (const one of [flow, Flow.compile(flow)]) {
      const { archives, state, through, work } = one.arrivals.get("A")!
      assert.deepStrictEqual([state, through, archives, work?.nextState], ["C", ["A", "B"], false, "End"])
      assert.isTrue(Flow.transitionOf(one, "A", "B").proceeds)
      assert.isFalse(Flow.transitionOf(one, "C", "End").proceeds)
      assert.isFalse(Flow.transitionOf(one, "B", "B").proceeds)
    }
    const free = Flow.withTasks<Flow.Transitions>(define({ A: "B", B: "C", C: undefined }), { C: undefined })
    assert.strictEqual(free.arrivals.get("A")?.state, "C")
    const through = Flow.defineFlow({ name: "t", initial: "A", transitions: { A: ["B"], B: [] }, proceed: { A: "B" } })
    assert.deepInclude(through.arrivals.get("A"), { state: "B", archives: true, work: null })
  })

  it("refuses a state that proceeds where it may not, or in a circle", () => {
    const transitions = { A: ["B"], B: ["C", "A"], C: ["A", "End"], End: [] }
    const define = (proceed: unknown) => () =>
      Flow.defineFlow<Flow.Transitions>({
        name: "mine",
        initial: "A",
        transitions,
        proceed: proceed as Flow.ProceedOf<Flow.Transitions>
      })
    assert.throws(define({ A: "C" }), 'flow mine: A proceeds to "C", which does not follow it')
    assert.throws(define({ A: "A" }), 'A proceeds to "A"')
    assert.throws(define({ A: 7 }), "A proceeds to")
    assert.throws(define({ Nowhere: "A" }), 'the unknown state "Nowhere" proceeds')
    assert.throws(define({ Error: "A" }), 'the unknown state "Error" proceeds')
    assert.throws(define({ End: "A" }), 'End proceeds to "A"')
    assert.throws(define({ A: "B", B: "A" }), "proceeds in a circle")
    assert.throws(define({ A: "B", B: "C", C: "A" }), "proceeds in a circle")
    assert.throws(define({ B: "C", C: "A", A: "B" }), "B proceeds in a circle")
    for (const odd of [["A"], "A", 7]) assert.throws(define(odd), "proceed must be an object")
    define({ A: "B", B: "C", C: "End" })()
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
