import { assert, describe, it } from "@effect/vitest"
import type { CheckoutError, CheckoutSession } from "@onelane/checkout"
import * as Outcome from "../src/retry/Outcome.js"

const remote: Outcome.Policy = { limit: 8, baseMillis: 50, maxMillis: 2_000, restarts: true }
const embedded: Outcome.Policy = { ...remote, restarts: false }
const keyed: Outcome.Call = { repeatable: true, idempotencyKey: "key" }

const current = (version: number): CheckoutSession.CurrentSession => ({
  state: "Inventory",
  version,
  nextState: null,
  isProcessing: false,
  isArchived: false,
  orderId: null,
  lastRequestId: null
})
const no = { message: "no", retryable: false, applied: "no" } as const
const unavailable = (
  reason: string,
  applied: "no" | "unknown",
  retryable = true
): CheckoutError.StorageUnavailable => ({
  _tag: "StorageUnavailable",
  message: reason,
  reason,
  retryable,
  applied,
  retryAfterMillis: 10
})
const lost = unavailable("CONNECTION_LOST", "unknown")
const refusedConnection = unavailable("CONNECTION_REFUSED", "no")
const mismatch = (
  reason: "STATE_MISMATCH" | "VERSION_MISMATCH",
  version: number
): CheckoutError.ExpectedStateMismatch => ({
  _tag: "ExpectedStateMismatch",
  reason,
  current: current(version),
  ...no
})
const overloaded = (reason: "MAILBOX_FULL" | "DRAINING", retryable = true): CheckoutError.Overloaded => ({
  _tag: "Overloaded",
  reason,
  retryAfterMillis: 10,
  ...no,
  retryable
})

/** Answers that say no without settling anything. */
const refusals: ReadonlyArray<CheckoutError.CheckoutError> = [
  { _tag: "NotAuthenticated", reason: "TOKEN_REFUSED", ...no },
  { _tag: "NotAuthenticated", reason: "TOKEN_UNAVAILABLE", ...no, retryable: true },
  { _tag: "ActionNotPermitted", reason: "ACTION_NOT_PERMITTED", ...no },
  { _tag: "InvalidInput", reason: "INVALID_INPUT", fields: [], ...no },
  { _tag: "InvalidCheckoutSessionId", reason: "INVALID_CHECKOUT_SESSION_ID", ...no },
  { _tag: "InvalidState", reason: "INVALID_STATE", fields: [], ...no },
  { _tag: "SessionInaccessible", reason: "SESSION_INACCESSIBLE", ...no },
  { _tag: "AccountInaccessible", reason: "ACCOUNT_INVALID_OR_INACCESSIBLE", ...no },
  { _tag: "NotStoreMember", reason: "NOT_A_STORE_MEMBER", ...no },
  { _tag: "CartNotUpdatable", reason: "CART_NOT_UPDATABLE", cartStatus: "Closed", current: null, ...no },
  { _tag: "StateRetired", reason: "STATE_RETIRED", current: current(9), ...no },
  mismatch("STATE_MISMATCH", 9),
  mismatch("VERSION_MISMATCH", 9),
  {
    _tag: "SessionProcessing",
    reason: "ALREADY_IN_PROCESS",
    retryAfterMillis: 1,
    current: current(9),
    ...no,
    retryable: true
  },
  { _tag: "TransitionNotAllowed", reason: "TRANSITION_NOT_ALLOWED", allowed: [], current: current(9), ...no },
  { _tag: "OperationNotCurrent", reason: "OPERATION_LATE", recorded: true, current: current(9), ...no },
  { _tag: "VersionAhead", reason: "VERSION_AHEAD", current: current(9), ...no },
  overloaded("MAILBOX_FULL", false),
  unavailable("DISK_FULL", "no", false)
]
const closed: CheckoutError.SessionClosed = {
  _tag: "SessionClosed",
  reason: "CANCELLED",
  checkoutSessionId: "cs_1",
  orderId: null,
  current: current(9),
  ...no
}
const conflict: CheckoutError.IdempotencyConflict = {
  _tag: "IdempotencyConflict",
  reason: "IDEMPOTENCY_KEY_REUSED",
  requestId: "r",
  ...no
}

describe("Outcome", () => {
  for (const last of refusals) {
    it(`an unknown try followed by ${last._tag} ${last.reason} stays unknown, and the answer is kept`, () => {
      for (const before of [
        [lost],
        [lost, refusedConnection],
        [overloaded("MAILBOX_FULL"), lost, overloaded("MAILBOX_FULL")]
      ]) {
        const next = Outcome.next(keyed, remote, [...before, last])
        assert.strictEqual(next.step, "give up")
        assert.deepInclude(next.step === "wait" ? {} : next.error, {
          _tag: "StorageUnavailable",
          reason: "OUTCOME_UNKNOWN",
          applied: "unknown",
          last,
          idempotencyKey: "key"
        })
      }
      const first = Outcome.next(keyed, remote, [last])
      assert.deepStrictEqual(first, { step: "give back", error: last })
      const sure = Outcome.next(keyed, remote, [refusedConnection, last])
      assert.deepStrictEqual(sure, { step: "give back", error: last })
    })
  }

  it("a closed session and a key of another input settle an unknown try", () => {
    for (const last of [closed, conflict])
      assert.deepStrictEqual(Outcome.next(keyed, remote, [lost, last]), { step: "give back", error: last })
  })

  it("a mismatch settles an unknown try only above the version that the caller expects", () => {
    const step = (reason: "STATE_MISMATCH" | "VERSION_MISMATCH", version: number, expectedVersion?: number) =>
      Outcome.next({ ...keyed, expectedVersion }, remote, [lost, mismatch(reason, version)]).step
    for (const reason of ["STATE_MISMATCH", "VERSION_MISMATCH"] as const) {
      assert.strictEqual(step(reason, 4, 3), "give back")
      assert.strictEqual(step(reason, 3, 3), "give up")
      assert.strictEqual(step(reason, 2, 3), "give up")
      assert.strictEqual(step(reason, 4), "give up")
    }
  })

  it("an outage longer than all tries is unknown where the first one may have arrived, and no where none did", () => {
    const tries = Array.from({ length: 8 }, () => refusedConnection)
    const unsure = Outcome.next(keyed, remote, [lost, ...tries])
    assert.deepInclude(unsure, { step: "give up" })
    assert.deepInclude(unsure.step === "wait" ? {} : unsure.error, { applied: "unknown", retryable: true })
    const sure = Outcome.next(keyed, remote, [refusedConnection, ...tries])
    assert.deepStrictEqual(sure, { step: "give back", error: refusedConnection })
  })

  it("an unknown answer is given back with the key that settles it", () => {
    const last = Outcome.next(keyed, { ...remote, limit: 1 }, [lost, lost])
    assert.deepStrictEqual(last, { step: "give back", error: { ...lost, idempotencyKey: "key" } })
    const unkeyed = Outcome.next({ repeatable: false }, remote, [lost])
    assert.deepStrictEqual(unkeyed, { step: "give back", error: lost })
  })

  it("a fenced store in this process is not asked again; one behind a server is, for the server starts anew", () => {
    const fenced = unavailable("FENCED", "no")
    const once = Outcome.next(keyed, embedded, [fenced])
    assert.deepStrictEqual(once, { step: "give back", error: { ...fenced, retryable: false, retryAfterMillis: 0 } })
    const after = Outcome.next(keyed, embedded, [unavailable("IO", "unknown"), fenced])
    assert.deepInclude(after.step === "wait" ? {} : after.error, { applied: "unknown", retryable: false })
    assert.strictEqual(Outcome.next(keyed, remote, [fenced]).step, "wait")
  })

  it("a drain in this process is final; one of a server is waited out", () => {
    assert.strictEqual(Outcome.next(keyed, embedded, [overloaded("DRAINING")]).step, "give back")
    assert.strictEqual(Outcome.next(keyed, remote, [overloaded("DRAINING")]).step, "wait")
  })

  it("a pause is backoff, and waits out what the answer asked for", () => {
    const wait = Outcome.next(keyed, embedded, [{ ...overloaded("MAILBOX_FULL"), retryAfterMillis: 300 }])
    if (wait.step !== "wait") return assert.fail("it is not tried again")
    assert.deepStrictEqual([wait.pauseMillis(0), wait.pauseMillis(0.5), wait.pauseMillis(1)], [300, 325, 350])
  })
})
