import { assert, describe, it } from "@effect/vitest"
import { EngineError } from "@onelane/engine"
import { Exit, FastCheck as fc } from "effect"
import * as CheckoutBehavior from "../src/commands/CheckoutBehavior.js"
import type { SessionCommand } from "../src/commands/SessionCommand.js"
import * as Flow from "../src/flow/Flow.js"
import * as Caller from "../src/ports/Caller.js"
import { violations } from "../src/session/CheckoutSession.js"
import type { SessionEvent } from "../src/session/SessionEvent.js"
import { historyEntry } from "../src/session/SessionHistory.js"
import {
  alarm,
  claimedAlarmMillis,
  decode,
  evolve,
  initial,
  isLast,
  type SessionState
} from "../src/session/SessionState.js"
import { admin, buyer } from "./fixture.js"
import { after, claim, facts, open, update } from "./rules.js"

const flow = Flow.defineFlow({
  name: "small",
  initial: "A",
  transitions: { A: ["B", "C"], B: ["A", "C"], C: ["A", "Done"], Done: [] },
  tasks: { B: {}, C: { deadlineMillis: 50 } }
})

const behavior = CheckoutBehavior.make(flow, {
  access: { mayInvoke: () => Exit.succeed(true), rights: () => Exit.die("not asked here") },
  carts: {
    find: () => Exit.die("not asked here"),
    locate: () => Exit.die("not asked here"),
    isComplete: false,
    assign: undefined,
    kept: undefined
  },
  portMillis: 1
})

/** A command whose operation id is the running one, or one that never ran. */
type Make = (state: SessionState, n: number) => SessionCommand

const stateName = fc.constantFrom("A", "B", "C", "Done", "Error")
const current = fc.boolean()
const operationOf = (state: SessionState, isCurrent: boolean) =>
  isCurrent ? (state.session?.operationId ?? "op_none") : "op_stale"

const commands: fc.Arbitrary<Make> = fc.oneof(
  fc.record({ from: stateName, to: stateName, here: fc.boolean(), key: fc.option(fc.constantFrom("k1", "k2")) }).map(
    ({ from, here, key, to }): Make =>
      (state, n) => ({
        ...update(here ? (state.session?.state ?? from) : from, to, {}, buyer, flow),
        idempotencyKey: key ?? undefined,
        ids: { next: () => `req_${n}` }
      })
  ),
  current.map(
    (is): Make =>
      (state) => ({
        tag: "CompleteTask",
        caller: null,
        operationId: operationOf(state, is),
        orderId: is ? "order-1" : null
      })
  ),
  current.map(
    (is): Make =>
      (state) => ({
        tag: "FailTask",
        caller: null,
        operationId: operationOf(state, is),
        cause: { code: "C", message: "m" },
        applied: is ? "no" : "unknown"
      })
  ),
  current.map(
    (is): Make =>
      (state) => ({
        tag: "ReleaseClaim",
        caller: admin,
        operationId: operationOf(state, is),
        reason: "stuck"
      })
  ),
  fc.constant<Make>((_, n) => ({
    tag: "Cancel",
    caller: buyer,
    requestId: `req_${n}`,
    cartId: null,
    expectedVersion: null
  })),
  fc.constant<Make>(() => ({ tag: "Read", caller: buyer })),
  fc.constant<Make>(() => ({ tag: "Expire" }))
)

const steps = fc.array(fc.tuple(commands, fc.integer({ min: -20, max: 60 })), { maxLength: 40 })

describe("SessionState", () => {
  it.prop(
    "whatever happens: the invariants hold, a version an event, a refusal writes nothing, an archived session never changes",
    [steps, fc.option(fc.integer({ min: 1, max: 300 }))],
    ([sequence, expiresAt]) => {
      let state = evolve(initial, { ...open, state: "A", expiresAt })
      let nowMillis = 0
      for (const [n, [make, elapsed]] of sequence.entries()) {
        nowMillis += elapsed
        const before = state
        const decided = behavior.decide(state, make(state, n), { nowMillis, sequence: 0, facts, records: [] })
        if (!("events" in decided)) continue
        const { events, reply } = decided
        assert.isAtMost(events.length, 1)
        for (const event of events) {
          assert.isFalse(before.session?.isArchived, "an archived session changed")
          state = behavior.evolve(state, event)
          const session = state.session!
          assert.strictEqual(session.version, before.session!.version + 1)
          assert.deepStrictEqual(violations(session), [])
          assert.strictEqual(state.deadlineAt !== null, session.isProcessing)
          assert.strictEqual(isLast(event), session.isArchived)
          assert.strictEqual(alarm(state) === claimedAlarmMillis, session.isProcessing)
          assert.strictEqual(historyEntry(session.version, event).from, before.session?.state)
          assert.deepStrictEqual(decode(JSON.parse(JSON.stringify(state))), state)
        }
        assert.deepStrictEqual(violations(reply(state, 0).session), [])
      }
    },
    { fastCheck: { numRuns: 2_000 } }
  )

  it("a claimed session is always due, another at its expiry, an archived one never", () => {
    const expiring = { ...open, expiresAt: 500 }
    assert.isNull(alarm(initial))
    assert.isNull(alarm(after(open)))
    assert.strictEqual(alarm(after(expiring)), 500)
    assert.strictEqual(alarm(after(expiring, claim("Inventory"))), claimedAlarmMillis)
    assert.isNull(alarm(after(expiring, { type: "Expired", at: 500, from: "Start" })))
  })

  it("an event before the session was opened is a broken journal, not a state", () =>
    assert.throws(() => evolve(initial, { type: "Expired", at: 1, from: "Start" }), /before Opened/))

  it("takes in what a journal stored, and refuses anything else", () => {
    assert.deepStrictEqual(decode(JSON.parse(JSON.stringify(after(open)))), after(open))
    for (const stored of [null, 1, "x", [], {}, { workKeys: [] }, { ...after(open), format: 0 }])
      assert.throws(() => decode(stored), /names no format/)
    for (const stored of [initial, { format: 1, workKeys: [], session: {} }])
      assert.throws(() => decode(stored), /not the state/)
    assert.throws(() => decode({ ...after(open), format: 2 }), EngineError.UnknownFormat)
  })

  it("history tells who, what and why, and keeps idempotency keys to itself", () => {
    const use = { digest: "secret", input: "secret too" }
    const moved: SessionEvent = {
      type: "Updated",
      at: 3,
      by: "buyer",
      requestId: "req_2",
      from: "Start",
      to: "Inventory",
      use,
      archives: false
    }
    assert.notInclude(JSON.stringify(historyEntry(2, moved)), "secret")
    const closing = { at: 4, from: "Start", by: Caller.host.userId, operationId: "op_1", workKey: "work_1" }
    assert.deepInclude(historyEntry(3, { type: "ClaimReleased", ...closing, reason: "stuck" }), {
      type: "ClaimReleased",
      by: "host",
      reason: "stuck",
      operationId: "op_1",
      workKey: "work_1",
      to: null
    })
    assert.deepInclude(
      historyEntry(3, {
        type: "TaskFailed",
        ...closing,
        by: null,
        cause: { code: "DEADLINE", message: "late" },
        applied: "unknown"
      }),
      { to: "Error", by: null, reason: "DEADLINE", cause: { code: "DEADLINE", message: "late" } }
    )
  })
})
