import { assert, describe, it } from "@effect/vitest"
import { FastCheck as fc } from "effect"
import * as Input from "../src/commands/Input.js"
import { decide, make } from "../src/commands/UpdateCheckoutSession.js"
import * as Refusal from "../src/errors/Refusal.js"
import * as Flow from "../src/flow/Flow.js"
import type { Facts } from "../src/ports/Guard.js"
import type { UpdateInput } from "../src/service/CheckoutSessions.js"
import type { SessionState } from "../src/session/SessionState.js"
import { buyer } from "./fixture.js"
import { after, claim, granted, open, refusalOf, resultOf, turnAt, update, verdictOf } from "./rules.js"

const flow = Flow.withTasks(Flow.b2b, { Inventory: {} })
const sound: UpdateInput = { checkoutSessionId: "cs_1", expCurrentState: "Start", nextState: "Inventory" }
const ids = { next: () => "req_1" }
const check = (of: Flow.Flow, input: UpdateInput) => {
  const made = make(of, buyer, input, ids, false)
  return "tag" in made ? null : made
}
const checked = (input: object) => {
  const refused = check(flow, { ...sound, ...input } as UpdateInput)
  return refused === null ? "passed" : `${refused._tag}/${refused.reason}`
}

/** One way to break each of the rules 5-13, in the order of the contract. */
interface Case {
  state: SessionState
  facts: Partial<Facts>
  from: string
  to: string
  version: number | undefined
  key: string | undefined
}

const breaks: ReadonlyArray<readonly [verdict: string, apply: (made: Case) => void]> = [
  ["SessionInaccessible/SESSION_INACCESSIBLE", (made) => void (made.facts = rights(made, { maySee: false }))],
  [
    "AccountInaccessible/ACCOUNT_INVALID_OR_INACCESSIBLE",
    (made) => void (made.facts = rights(made, { accountAccessible: false }))
  ],
  ["NotStoreMember/NOT_A_STORE_MEMBER", (made) => void (made.facts = rights(made, { storeMember: false }))],
  ["IdempotencyConflict/IDEMPOTENCY_KEY_REUSED", (made) => void (made.key = "used")],
  [
    "SessionClosed/CANCELLED",
    (made) => {
      const session = { ...made.state.session!, isArchived: true, closedBy: "CANCELLED" } as const
      made.state = { ...made.state, session }
    }
  ],
  ["CartNotUpdatable/CART_NOT_UPDATABLE", (made) => void (made.facts = { ...made.facts, cartStatus: "Processing" })],
  ["ExpectedStateMismatch/STATE_MISMATCH", (made) => void (made.from = "Delivery Method")],
  ["ExpectedStateMismatch/VERSION_MISMATCH", (made) => void (made.version = 99)],
  [
    "SessionProcessing/ALREADY_IN_PROCESS",
    (made) =>
      void (made.state = {
        ...made.state,
        session: { ...made.state.session!, isProcessing: true, nextState: "Confirm Price", operationId: "op_1" }
      })
  ],
  ["TransitionNotAllowed/TRANSITION_NOT_ALLOWED", (made) => void (made.to = "Complete")]
]

const rights = (made: Case, more: Partial<typeof granted>): Partial<Facts> => ({
  ...made.facts,
  rights: { ...(made.facts.rights ?? granted), ...more }
})

const accepted = resultOf(
  after(open),
  decide(flow, after(open), update("Start", "Inventory", { idempotencyKey: "used" }), turnAt(1))
)

const judged = (...applied: ReadonlyArray<(made: Case) => void>) => {
  const made: Case = {
    state: accepted.state,
    facts: {},
    from: "Inventory",
    to: "Confirm Price",
    version: undefined,
    key: undefined
  }
  for (const apply of applied) apply(made)
  const input = { expectedVersion: made.version, idempotencyKey: made.key }
  const turn = turnAt(2, made.facts, made.key === undefined ? [] : accepted.records)
  return verdictOf(decide(flow, made.state, update(made.from, made.to, input), turn))
}

describe("UpdateCheckoutSession", () => {
  describe("check, steps 2-4", () => {
    it("passes a sound input", () => {
      assert.strictEqual(checked({}), "passed")
      assert.strictEqual(checked({ expCurrentState: "Error" }), "passed")
      assert.strictEqual(checked({ expectedVersion: 1, idempotencyKey: "k".repeat(255) }), "passed")
      assert.strictEqual(checked({ nextState: "Start", expectedVersion: 1 }), "passed")
    })

    it("refuses missing and wrong inputs before it looks at the id, and the id before the states", () => {
      const badId = { checkoutSessionId: "not an id" }
      const badState = { nextState: "Nowhere" }
      assert.strictEqual(
        checked({ ...badId, ...badState, expCurrentState: null }),
        "InvalidInput/REQUIRED_FIELD_MISSING"
      )
      assert.strictEqual(checked({ ...badId, ...badState, expectedVersion: 0 }), "InvalidInput/INVALID_INPUT")
      assert.strictEqual(
        checked({ ...badId, ...badState, idempotencyKey: "k".repeat(256) }),
        "InvalidInput/INVALID_INPUT"
      )
      assert.strictEqual(checked({ ...badId, ...badState, surplus: 1 }), "InvalidInput/INVALID_INPUT")
      assert.strictEqual(checked({ ...badId, ...badState }), "InvalidCheckoutSessionId/INVALID_CHECKOUT_SESSION_ID")
      assert.strictEqual(checked(badState), "InvalidState/INVALID_STATE")
    })

    it("refuses states that are not the flow's, and Error as a target; says which input it was", () => {
      for (const nextState of ["inventory", "Inventory ", "Error", "__proto__", "x".repeat(31)])
        assert.deepInclude(check(flow, { ...sound, nextState }), {
          _tag: "InvalidState",
          fields: ["nextState"]
        })
      assert.deepInclude(check(flow, { ...sound, nextState: "?", expCurrentState: "?" }), {
        fields: ["expCurrentState", "nextState"]
      })
      assert.strictEqual(checked({ nextState: "Start" }), "InvalidState/INVALID_STATE")
      const many = Refusal.unknownState(
        ["nextState"],
        Array.from({ length: 500 }, (_, index) => `State ${index}`)
      )
      assert.match(many.message, /^nextState must be one of: State 0, .*State 31 and 468 more\.$/)
      assert.strictEqual(checked({ nextState: "Start", expectedVersion: null }), "InvalidState/INVALID_STATE")
    })

    it("explains two equal states without a version: what may follow, and how to stay", () => {
      const message = (of: Flow.Flow, state: string) =>
        check(of, { ...sound, expCurrentState: state, nextState: state })?.message
      assert.strictEqual(
        message(flow, "Start"),
        "Both states are Start: nextState must be one of: Shipping Address, Inventory. To stay in Start, give expectedVersion."
      )
      assert.strictEqual(
        message(flow, "Complete"),
        "Both states are Complete: nothing follows Complete. To stay in Complete, give expectedVersion."
      )
      assert.match(message(Flow.any, "Taxes")!, /^Both states are Taxes: nextState must be one of: Start, /)
      assert.notInclude(message(Flow.any, "Taxes")!.slice("Both states are Taxes".length).split(". ")[0], "Taxes")
    })
  })

  it.prop(
    "an input is refused by its fields exactly when the field-by-field look refuses it",
    [
      fc.record(
        {
          checkoutSessionId: fc.constantFrom<unknown>("cs_1", "", 1, null),
          expCurrentState: fc.constantFrom<unknown>("Start", "", {}, null),
          nextState: fc.constantFrom<unknown>("Inventory", "", [], undefined),
          expectedVersion: fc.constantFrom<unknown>(1, 0, 1.5, "1", null, undefined, Number.MAX_SAFE_INTEGER + 1),
          idempotencyKey: fc.constantFrom<unknown>("k", "", "k".repeat(256), 7, null, undefined),
          surplus: fc.constantFrom<unknown>(1, undefined)
        },
        { requiredKeys: [] }
      )
    ],
    ([input]) => {
      const fields = {
        checkoutSessionId: Input.syntax,
        expCurrentState: Input.text,
        nextState: Input.text,
        expectedVersion: Input.optionalWhole(1, Number.MAX_SAFE_INTEGER),
        idempotencyKey: Input.optionalPlainUpTo(255)
      }
      const refused = check(flow, input as never)
      assert.deepStrictEqual(refused?._tag === "InvalidInput" ? refused : null, Input.accept(input, fields))
    },
    { fastCheck: { numRuns: 2_000 } }
  )

  describe("decide, steps 5-13", () => {
    it("accepts when nothing is broken", () => assert.strictEqual(judged(), "Claimed"))

    for (const [verdict, apply] of breaks) it(`refuses ${verdict}`, () => assert.strictEqual(judged(apply), verdict))

    it("a request that breaks two rules reports the earlier, for every pair", () => {
      for (const [index, [verdict, earlier]] of breaks.entries())
        for (const [later, other] of breaks.slice(index + 1))
          assert.strictEqual(judged(other, earlier), verdict, `${verdict} before ${later}`)
    })

    it("a request that breaks everything is as if there were no session", () =>
      assert.strictEqual(judged(...breaks.map(([, apply]) => apply)), "SessionInaccessible/SESSION_INACCESSIBLE"))

    it("a role taken away while the command waited refuses before all else", () =>
      assert.strictEqual(
        judged((made) => void (made.facts = rights(made, { mayInvoke: false, maySee: false }))),
        "ActionNotPermitted/ACTION_NOT_PERMITTED"
      ))

    it("only Active and Checkout carts move; a cart that is gone does not", () => {
      const withCart = (cartStatus: Facts["cartStatus"]) => judged((made) => void (made.facts = { cartStatus }))
      for (const status of ["Active", "Checkout"] as const) assert.strictEqual(withCart(status), "Claimed")
      for (const status of ["Processing", "PendingClosed", "Closed", "PendingDelete", null] as const)
        assert.strictEqual(withCart(status), "CartNotUpdatable/CART_NOT_UPDATABLE")
    })

    it("while a task runs, waiting helps who expects where the session is or goes, and nobody else", () => {
      const state = after(open, claim("Inventory"))
      const expecting = (from: string) => decide(flow, state, update(from, "Confirm Price"), turnAt(2))
      for (const from of ["Start", "Inventory"])
        assert.strictEqual(verdictOf(expecting(from)), "SessionProcessing/ALREADY_IN_PROCESS")
      for (const from of ["Taxes", "Error", "Complete"])
        assert.strictEqual(verdictOf(expecting(from)), "ExpectedStateMismatch/STATE_MISMATCH")
    })

    it("says how long to wait: what is left of the deadline, between a tenth of a second and one", () => {
      const waits = [1, 60_001 - 500, 60_000, 99_999].map((nowMillis) => {
        const refused = refusalOf(
          decide(flow, after(open, claim("Inventory")), update("Start", "Inventory"), turnAt(nowMillis))
        )
        return refused !== null && "retryAfterMillis" in refused ? refused.retryAfterMillis : undefined
      })
      assert.deepStrictEqual(waits, [1_000, 500, 100, 100])
    })

    it("an expired session is closed, unless its task still runs", () => {
      const expiring = { ...open, expiresAt: 10 }
      const at = (nowMillis: number, state = after(expiring)) =>
        verdictOf(decide(flow, state, update("Start", "Inventory"), turnAt(nowMillis)))
      assert.strictEqual(at(9), "Updated")
      assert.strictEqual(at(10), "SessionClosed/EXPIRED")
      assert.strictEqual(at(10, after(expiring, claim("Inventory"))), "SessionProcessing/ALREADY_IN_PROCESS")
    })

    it("a state without a task moves, one with a task is claimed with an operation and a deadline", () => {
      const moved = resultOf(after(open), decide(flow, after(open), update("Start", "Inventory"), turnAt(5)))
      assert.deepInclude(moved.reply.session, {
        state: "Inventory",
        version: 2,
        updatedAt: 5,
        lastRequestId: "req_new"
      })
      const claimed = resultOf(moved.state, decide(flow, moved.state, update("Inventory", "Confirm Price"), turnAt(6)))
      assert.deepInclude(claimed.reply.session, {
        state: "Inventory",
        nextState: "Confirm Price",
        isProcessing: true,
        operationId: "op_req_new",
        version: 3
      })
      assert.strictEqual(claimed.state.deadlineAt, 60_006)
    })

    it("Error leads to every state of the flow and clears the error, and reaching the end archives", () => {
      const failed = after(open, claim("Inventory"), {
        type: "TaskFailed",
        at: 2,
        from: "Start",
        by: null,
        operationId: "op_1",
        workKey: "work_1",
        cause: { code: "C", message: "m" },
        applied: "unknown"
      })
      for (const to of flow.states) {
        const { session } = resultOf(failed, decide(flow, failed, update("Error", to), turnAt(3))).reply
        assert.deepInclude(session, { state: to, isError: false, isArchived: to === "Complete" })
      }
      assert.strictEqual(
        verdictOf(decide(flow, failed, update("Start", "Inventory"), turnAt(3))),
        "ExpectedStateMismatch/STATE_MISMATCH"
      )
    })
  })

  it("lets a session go from a state to itself with a version, which only one caller can still have", () => {
    const again = update("Start", "Start", { expectedVersion: 1 })
    const first = resultOf(after(open), decide(flow, after(open), again, turnAt(1)))
    assert.deepInclude(first.reply.session, { state: "Start", version: 2 })
    assert.strictEqual(verdictOf(decide(flow, first.state, again, turnAt(2))), "ExpectedStateMismatch/VERSION_MISMATCH")
  })
})
