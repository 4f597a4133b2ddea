import { assert, describe, it } from "@effect/vitest"
import * as CancelCheckout from "../src/commands/CancelCheckout.js"
import * as CloseOperation from "../src/commands/CloseOperation.js"
import * as CompleteTask from "../src/commands/CompleteTask.js"
import * as FailTask from "../src/commands/FailTask.js"
import * as ReleaseClaim from "../src/commands/ReleaseClaim.js"
import type { SessionTurn } from "../src/commands/SessionCommand.js"
import * as Flow from "../src/flow/Flow.js"
import type { SessionEvent } from "../src/session/SessionEvent.js"
import type { SessionState } from "../src/session/SessionState.js"
import { admin, integrator } from "./fixture.js"
import { after, cancelled, claim, granted, open, refusalOf, resultOf, turnAt, verdictOf } from "./rules.js"

const flow = Flow.withTasks(Flow.b2b, { Start: {} })
const claimed = after(open, claim("Inventory"))
const turn = turnAt(7)

const complete = (
  state: SessionState,
  operationId = "op_1",
  caller: typeof integrator | null = integrator,
  told = turn,
  orderId = "order-1"
) => CompleteTask.decide(flow, state, { tag: "CompleteTask", caller, operationId, orderId }, told)
const fail = (state: SessionState, operationId = "op_1", told = turn, code = "C") => {
  const cause = { code, message: "m" }
  return FailTask.decide(
    flow,
    state,
    { tag: "FailTask", caller: integrator, operationId, cause, applied: "unknown" },
    told
  )
}
const release = (state: SessionState, operationId = "op_1", told = turn) =>
  ReleaseClaim.decide(flow, state, { tag: "ReleaseClaim", caller: admin, operationId, reason: "stuck" }, told)
const cancelOf = (state: SessionState) =>
  CancelCheckout.decide(
    flow,
    state,
    { tag: "Cancel", caller: admin, requestId: "req_9", cartId: null, expectedVersion: null },
    turn
  )

/** A turn that is told what these events recorded of `op_1`. */
const turnWith = (events: ReadonlyArray<SessionEvent>): SessionTurn => {
  let late = 0
  const records = events.flatMap((event, index) => {
    if (!("operationId" in event) || event.operationId !== "op_1" || event.type === "Claimed") return []
    const digest = event.type === "LateResult" ? CloseOperation.lateDigest("op_1", late++) : "op_1"
    return [{ digest, sequence: index + 1, event, state: after(...events.slice(0, index + 1)) }]
  })
  return { ...turn, records }
}

describe("CloseOperation", () => {
  it("completing moves to where the accepted update sent it, failing goes to Error, releasing stays", () => {
    const free = { nextState: null, operationId: null, isProcessing: false, version: 3, updatedAt: 7 }
    const completed = resultOf(claimed, complete(claimed)).reply
    assert.deepInclude(completed.session, { ...free, state: "Inventory", orderId: "order-1" })
    assert.strictEqual(completed.requestId, "req_1")
    assert.deepInclude(resultOf(claimed, fail(claimed)).reply.session, { ...free, state: "Error", isError: true })
    assert.deepInclude(resultOf(claimed, release(claimed)).reply.session, { ...free, state: "Start" })
  })

  it("the fence: a result of an operation that does not run is told why, and moves nothing", () => {
    const cancel = { ...cancelled, operationId: "op_1", workKey: "work_1" }
    const failed = [open, claim("Inventory"), failure] as const
    const other = [open, claim("Inventory"), { ...completion, orderId: "order-2" }] as const
    const ways: ReadonlyArray<readonly [reason: string, events: ReadonlyArray<SessionEvent>]> = [
      ["OPERATION_LATE", other],
      ["OPERATION_LATE", failed],
      ["OPERATION_RELEASED", [open, claim("Inventory"), release1]],
      ["OPERATION_RELEASED", [open, claim("Inventory"), release1, claim("Inventory", "op_2")]],
      ["OPERATION_CANCELLED", [open, claim("Inventory"), cancel]],
      ["OPERATION_EXPIRED", [{ ...open, expiresAt: 6 }, claim("Inventory"), failure]],
      ["OPERATION_EXPIRED", [{ ...open, expiresAt: 6 }, claim("Inventory"), failure, expired]],
      ["OPERATION_UNKNOWN", [open]],
      ["OPERATION_UNKNOWN", [open, claim("Inventory", "op_2")]]
    ]
    for (const [reason, events] of ways) {
      const state = after(...events)
      const told = turnWith(events)
      for (const decided of [
        complete(state, "op_1", integrator, told),
        fail(state, "op_1", told, "ANOTHER"),
        release(state, "op_1", told)
      ]) {
        const refused: object = refusalOf(decided, state)!
        assert.deepInclude(refused, { _tag: "OperationNotCurrent", reason, applied: "no", retryable: false })
        assert.deepInclude("current" in refused ? refused.current : {}, { state: state.session?.state })
      }
    }
  })

  it("a repeated result gets the first answer, though the session has moved on since", () => {
    const moved: SessionEvent = { ...updated, from: "Inventory", to: "Confirm Price" }
    const events = [open, claim("Inventory"), completion, moved]
    const { reply } = resultOf(after(...events), complete(after(...events), "op_1", integrator, turnWith(events)))
    assert.isTrue(reply.replayed)
    assert.deepStrictEqual(reply.session, after(...events.slice(0, 3)).session)
    const failures = [open, claim("Inventory"), failure, { ...updated, from: "Error", to: "Taxes" }]
    const again = resultOf(after(...failures), fail(after(...failures), "op_1", turnWith(failures))).reply
    assert.deepInclude(again as object, { replayed: true, session: after(...failures.slice(0, 3)).session })
  })

  it("a late success of a live session is an event that leaves everything but the version as it is, once for an order", () => {
    const events: Array<SessionEvent> = [open, claim("Inventory"), release1, claim("Inventory", "op_2")]
    for (const [number, orderId] of ["order-1", "order-2", "order-3"].entries()) {
      const state = after(...events)
      const decided = complete(state, "op_1", integrator, turnWith(events), orderId)
      const { events: kept, reply, state: next } = resultOf(state, decided)
      assert.deepStrictEqual(kept, [
        {
          type: "LateResult",
          at: 7,
          from: "Start",
          owner: null,
          by: "integrator",
          operationId: "op_1",
          workKey: "work_1",
          orderId
        }
      ])
      assert.deepStrictEqual(next, {
        ...state,
        session: { ...state.session!, version: state.session!.version + 1, updatedAt: 7 }
      })
      assert.deepInclude(reply.refused as object, { reason: "OPERATION_RELEASED", recorded: true })
      assert.deepInclude(reply.refused && "current" in reply.refused ? reply.refused.current : {}, {
        version: 5 + number,
        isProcessing: true
      })
      events.push(...kept)
      const repeated = complete(next, "op_1", integrator, turnWith(events), orderId)
      assert.deepInclude(refusalOf(repeated, next) as object, { reason: "OPERATION_RELEASED", recorded: true })
      assert.notProperty(repeated, "events")
    }
    const fourth = complete(after(...events), "op_1", integrator, turnWith(events), "order-4")
    assert.deepInclude(refusalOf(fourth, after(...events)) as object, { recorded: false })
  })

  it("a late success of an archived session, a late failure and a result of nothing leave no event", () => {
    const archived = [open, claim("Inventory"), { ...cancelled, operationId: "op_1", workKey: "work_1" }]
    const released = [open, claim("Inventory"), release1]
    for (const decided of [
      complete(after(...archived), "op_1", integrator, turnWith(archived)),
      fail(after(...released), "op_1", turnWith(released)),
      complete(after(open), "op_1", integrator, turnWith([open]))
    ])
      assert.deepInclude(refusalOf(decided) as object, { _tag: "OperationNotCurrent", recorded: false })
  })

  it("whatever closes a claim records the operation, and neither the running one nor an id of nobody's is looked up", () => {
    for (const decided of [complete(claimed), fail(claimed), release(claimed), cancelOf(claimed)])
      assert.deepStrictEqual("digests" in decided ? decided.digests : null, ["op_1"])
    assert.deepStrictEqual(CloseOperation.digestsOf(claimed, { operationId: "op_1" }), [])
    assert.deepStrictEqual(CloseOperation.digestsOf(after(open), { operationId: "op_1" }), [
      "op_1",
      "late0_op_1",
      "late1_op_1",
      "late2_op_1"
    ])
    for (const operationId of ["", "päckchen", "o".repeat(57), "a b"])
      assert.deepStrictEqual(CloseOperation.digestsOf(claimed, { operationId }), [])
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
    const next = after(open, claim("Inventory"), completion, {
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
    assert.strictEqual(tagOf(CompleteTask.check(flow, sent({ orderId: "o".repeat(256) }))), "InvalidInput")
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
const failure = { type: "TaskFailed", ...closing, cause: { code: "C", message: "m" }, applied: "unknown" } as const
const completion = { type: "TaskCompleted", ...closing, to: "Inventory", orderId: "order-1", archives: false } as const
const expired = { type: "Expired", at: 6, from: "Error" } as const
const updated = { type: "Updated", archives: false, at: 6, by: "buyer", requestId: "req_2", use: null } as const
