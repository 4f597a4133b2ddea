import { assert, describe, it } from "@effect/vitest"
import * as CompleteTask from "../src/commands/CompleteTask.js"
import * as FailTask from "../src/commands/FailTask.js"
import * as ReleaseClaim from "../src/commands/ReleaseClaim.js"
import * as Flow from "../src/flow/Flow.js"
import type { SessionState } from "../src/session/SessionState.js"
import { admin, integrator } from "./fixture.js"
import { after, cancelled, claim, granted, open, refusalOf, resultOf, turnAt, verdictOf } from "./rules.js"

const flow = Flow.withTasks(Flow.b2b, { Start: {} })
const claimed = after(open, claim("Inventory"))
const turn = turnAt(7)

const complete = (state: SessionState, operationId = "op_1", caller: typeof integrator | null = integrator) =>
  CompleteTask.decide(flow, state, { tag: "CompleteTask", caller, operationId, orderId: "order-1" }, turn)
const fail = (state: SessionState, operationId = "op_1") =>
  FailTask.decide(
    flow,
    state,
    { tag: "FailTask", caller: integrator, operationId, cause: { code: "C", message: "m" }, applied: "unknown" },
    turn
  )
const release = (state: SessionState, operationId = "op_1") =>
  ReleaseClaim.decide(flow, state, { tag: "ReleaseClaim", caller: admin, operationId, reason: "stuck" }, turn)

describe("CloseOperation", () => {
  it("completing moves to where the accepted update sent it, failing goes to Error, releasing stays", () => {
    const free = { nextState: null, operationId: null, isProcessing: false, version: 3, updatedAt: 7 }
    const completed = resultOf(claimed, complete(claimed)).reply
    assert.deepInclude(completed.session, { ...free, state: "Inventory", orderId: "order-1" })
    assert.strictEqual(completed.requestId, "req_1")
    assert.deepInclude(resultOf(claimed, fail(claimed)).reply.session, { ...free, state: "Error", isError: true })
    assert.deepInclude(resultOf(claimed, release(claimed)).reply.session, { ...free, state: "Start" })
  })

  it("the fence: an operation that is not the running one is told so, whatever became of it", () => {
    const completed = resultOf(claimed, complete(claimed)).state
    const failed = resultOf(claimed, fail(claimed)).state
    const released = resultOf(claimed, release(claimed)).state
    const closed = after(open, claim("Inventory"), { ...cancelled, operationId: "op_1", workKey: "work_1" })
    const again = after(open, claim("Inventory"), release1, claim("Inventory", "op_2"))
    for (const state of [completed, failed, released, closed, again, after(open)])
      for (const decided of [complete(state), fail(state), release(state)]) {
        assert.strictEqual(verdictOf(decided), "OperationNotCurrent/OPERATION_NOT_CURRENT")
        const refused = refusalOf(decided)!
        assert.deepInclude("current" in refused ? refused.current : {}, {
          version: state.session?.version,
          state: state.session?.state
        })
      }
  })

  it("asks the engine itself for no rights, and everybody else for theirs before it tells anything", () => {
    assert.strictEqual(verdictOf(complete(claimed, "op_1", null)), "TaskCompleted")
    const blind = turnAt(7, { rights: { ...granted, maySee: false } })
    const command = { tag: "CompleteTask", caller: integrator, operationId: "op_9", orderId: null } as const
    assert.strictEqual(
      verdictOf(CompleteTask.decide(flow, claimed, command, blind)),
      "SessionInaccessible/SESSION_INACCESSIBLE"
    )
  })

  it("a task that leads to the end of the flow archives the session when it completes, not before", () => {
    const last = after({ ...open, state: "Order Confirmation" }, {
      ...claim("Complete"),
      from: "Order Confirmation"
    } as never)
    assert.isFalse(last.session?.isArchived)
    assert.deepInclude(resultOf(last, complete(last)).reply.session, { state: "Complete", isArchived: true })
  })

  it("a completed task that names no order keeps the order the session had", () => {
    const ordered = resultOf(claimed, complete(claimed)).state
    const next = after(open, claim("Inventory"), completedWithOrder, {
      ...claim("Taxes", "op_2"),
      from: "Inventory"
    } as never)
    const command = { tag: "CompleteTask", caller: null, operationId: "op_2", orderId: null } as const
    assert.strictEqual(ordered.session?.orderId, "order-1")
    assert.strictEqual(resultOf(next, CompleteTask.decide(flow, next, command, turn)).reply.session.orderId, "order-1")
  })

  it("bounds what a host may send", () => {
    const sent = (more: object) => ({ checkoutSessionId: "cs_1", operationId: "op_1", ...more })
    const tagOf = (refused: { readonly _tag: string } | null) => refused?._tag ?? "passed"
    assert.strictEqual(tagOf(CompleteTask.check(sent({ orderId: "o".repeat(256) }))), "InvalidInput")
    assert.strictEqual(tagOf(FailTask.check(sent({ code: "C", message: "m".repeat(4_001) }))), "InvalidInput")
    assert.strictEqual(tagOf(FailTask.check(sent({ code: "" }))), "InvalidInput")
    assert.strictEqual(tagOf(ReleaseClaim.check(sent({ reason: "" }))), "InvalidInput")
    assert.strictEqual(
      tagOf(ReleaseClaim.check(sent({ checkoutSessionId: "?", reason: "r" }))),
      "InvalidCheckoutSessionId"
    )
    assert.strictEqual(tagOf(ReleaseClaim.check(sent({ reason: "r" }))), "passed")
  })
})

const closing = { at: 5, from: "Start", by: null, operationId: "op_1", workKey: "work_1" }
const release1 = { type: "ClaimReleased", ...closing, reason: "stuck" } as const
const completedWithOrder = {
  type: "TaskCompleted",
  ...closing,
  to: "Inventory",
  orderId: "order-1",
  archives: false
} as const
