/** A flow changes while sessions live: two versions of it over one journal, and what becomes of the sessions of the first. */
import { assert, describe, it } from "@effect/vitest"
import { JournalMemory } from "@onelane/engine"
import { Effect, TestClock } from "effect"
import type * as CheckoutError from "../src/errors/CheckoutError.js"
import type * as Task from "../src/flow/Task.js"
import { admin, boot, buyer, handTask, opened, settled, slowMemory } from "./fixture.js"
import { claimed, deployed, first, get, refusalOf, second, typesOf, update } from "./flowVersions.js"

const currentOf = (session: Effect.Effect.Success<ReturnType<typeof get>>) => {
  const { isArchived, isProcessing, lastRequestId, nextState, orderId, state, version } = session
  return { state, version, nextState, isProcessing, isArchived, orderId, lastRequestId }
}

const checkout = { Basket: ["Payment"], Payment: ["Done", "Basket"], Done: [] } as const
const renamed = second(checkout, { Pay: "Payment", Ship: "Basket", Gift: "Basket" })

describe("flow versions", () => {
  it.scoped("a renamed state: the session is migrated before the first turn, one event and one version", () =>
    Effect.gen(function* () {
      const { after, id } = yield* deployed("Pay", renamed)
      assert.deepInclude(yield* get(after.sessions, id), { state: "Payment", version: 2, isArchived: false })
      const [, migrated] = yield* after.sessions.history(admin, { checkoutSessionId: id })
      assert.deepInclude(migrated, { type: "Migrated", from: "Pay", to: "Payment", reason: "flow version 1 to 2" })
      yield* update(after.sessions, id, "Payment", "Done")
      assert.deepStrictEqual(yield* typesOf(after.sessions, id), ["Opened", "Migrated", "Updated"])
    })
  )

  it.scoped("an old name stays a valid expectation: it is answered with the mismatch and the state of now", () =>
    Effect.gen(function* () {
      const { after, id } = yield* deployed("Pay", renamed)
      for (const [from, to] of [
        ["Pay", "Done"],
        ["Pay", "Basket"],
        ["Ship", "Pay"]
      ] as const)
        assert.deepInclude(yield* refusalOf(update(after.sessions, id, from, to)), {
          _tag: "ExpectedStateMismatch",
          reason: "STATE_MISMATCH",
          current: { ...currentOf(yield* get(after.sessions, id)), state: "Payment", version: 2 }
        })
      const unknown = yield* refusalOf(update(after.sessions, id, "Nowhere", "Done"))
      assert.deepInclude(unknown, { _tag: "InvalidState", fields: ["expCurrentState"] })
    })
  )

  it.scoped("a session that the change does not touch is not written; its next change records the version", () =>
    Effect.gen(function* () {
      const { after, id, journal } = yield* deployed("Basket", renamed)
      assert.deepInclude(yield* get(after.sessions, id), { state: "Basket", version: 1 })
      const stored = Effect.suspend(() => Effect.map(journal.load({ kind: "session", id }), (row) => row?.state))
      assert.deepInclude(yield* stored, { flowVersion: 1 })
      yield* update(after.sessions, id, "Basket", "Payment")
      assert.deepInclude(yield* stored, { flowVersion: 2 })
      assert.deepStrictEqual(yield* typesOf(after.sessions, id), ["Opened", "Updated"])
    })
  )

  it.scoped("a state that is gone: updates answer StateRetired; get, open and cancel work", () =>
    Effect.gen(function* () {
      const { after, id } = yield* deployed("Ship", second(checkout))
      const retired = { _tag: "StateRetired", reason: "STATE_RETIRED", retryable: false, applied: "no" } as const
      for (const [from, to, more] of [
        ["Ship", "Payment", {}],
        ["Ship", "Done", { idempotencyKey: "k" }],
        ["Ship", "Ship", { expectedVersion: 1, idempotencyKey: "k" }],
        ["Basket", "Payment", {}],
        ["Basket", "Payment", { expectedVersion: 7 }],
        ["Error", "Basket", {}]
      ] as const) {
        const refused = yield* refusalOf(update(after.sessions, id, from, to, more))
        assert.deepInclude(refused, retired, `${from} to ${to}`)
        assert.deepInclude((refused as CheckoutError.StateRetired).current, { state: "Ship", version: 1 })
      }
      assert.deepInclude(yield* get(after.sessions, id), { state: "Ship", version: 1 })
      const again = yield* after.sessions.open(buyer, { cartId: "cart-1" })
      assert.deepInclude(again, { created: false })
      assert.deepInclude(again.session, { id, state: "Ship", version: 1 })
      const cancelled = yield* after.sessions.cancel(buyer, { checkoutSessionId: id })
      assert.deepInclude(cancelled.session, { isArchived: true, closedBy: "CANCELLED", state: "Ship" })
      assert.deepInclude(yield* refusalOf(update(after.sessions, id, "Ship", "Payment")), { _tag: "SessionClosed" })
    })
  )

  it.scoped("a caller who may not see the session learns nothing from a former name", () =>
    Effect.gen(function* () {
      const { after, id } = yield* deployed("Ship", second(checkout))
      const stranger = { ...buyer, userId: "stranger" }
      const input = { expCurrentState: "Ship", nextState: "Payment" }
      const seen = yield* refusalOf(after.sessions.update(stranger, { checkoutSessionId: id, ...input }))
      const missing = yield* refusalOf(after.sessions.update(stranger, { checkoutSessionId: "cs_none", ...input }))
      assert.deepStrictEqual(seen, missing)
      assert.strictEqual(seen._tag, "InvalidState")
    })
  )

  it.scoped("a state that became final: the session is archived as completed by the migration", () =>
    Effect.gen(function* () {
      const { after, id } = yield* deployed("Pay", second({ Basket: ["Pay"], Pay: [] }))
      assert.deepInclude(yield* get(after.sessions, id), { state: "Pay", closedBy: "COMPLETED", version: 2 })
      assert.deepInclude(yield* refusalOf(after.sessions.open(buyer, { cartId: "cart-1" })), { _tag: "SessionClosed" })
    })
  )

  it.scoped("a state that is no longer final: archived sessions stay archived", () =>
    Effect.gen(function* () {
      const journal = slowMemory()
      const before = yield* boot(journal, { flow: first() })
      const id = yield* opened(before.sessions)
      yield* update(before.sessions, id, "Basket", "Pay")
      yield* update(before.sessions, id, "Pay", "Done")
      yield* before.stop
      const { sessions } = yield* boot(journal, { flow: second({ Basket: ["Done"], Done: ["Later"], Later: [] }) })
      assert.deepInclude(yield* get(sessions, id), { state: "Done", closedBy: "COMPLETED", version: 3 })
      assert.deepInclude(yield* refusalOf(update(sessions, id, "Done", "Later")), { _tag: "SessionClosed" })
    })
  )

  it.scoped("an expired session is archived as expired, whatever its state has become", () =>
    Effect.gen(function* () {
      const journal = JournalMemory.make()
      const before = yield* boot(journal, { flow: first(), alarmMillis: 3_600_000 })
      const id = yield* opened(before.sessions, "cart-1", { initialState: "Pay", expiresInMillis: 1 })
      yield* before.stop
      yield* TestClock.adjust(5)
      const { sessions } = yield* boot(journal, { flow: second({ Basket: ["Pay"], Pay: [] }) })
      yield* Effect.repeat(get(sessions, id), { until: ({ isArchived }) => isArchived })
      assert.deepInclude(yield* get(sessions, id), { closedBy: "EXPIRED", version: 2 })
    })
  )

  it.scoped("a server whose flow is older than the session writes nothing, and its answer may be retried", () =>
    Effect.gen(function* () {
      const { after, id, journal } = yield* deployed("Pay", renamed)
      const old = yield* boot(journal, { flow: first(), custody: false })
      yield* get(after.sessions, id)
      const count = Effect.suspend(() =>
        Effect.map(journal.events({ kind: "session", id }, 0, 100), (all) => all.length)
      )
      const before = yield* count
      const named = { checkoutSessionId: id }
      for (const call of [
        get(old.sessions, id),
        update(old.sessions, id, "Pay", "Done"),
        old.sessions.cancel(admin, named),
        old.sessions.move(admin, { ...named, state: "Pay", reason: "why" }),
        old.sessions.open(buyer, { cartId: "cart-1" }),
        old.sessions.history(admin, named)
      ] as ReadonlyArray<Effect.Effect<unknown, CheckoutError.CheckoutError>>)
        assert.deepInclude(yield* refusalOf(call), {
          _tag: "StorageUnavailable",
          reason: "FLOW_VERSION",
          applied: "no",
          retryable: true
        })
      assert.strictEqual(yield* count, before)
    })
  )
})

describe("flow versions and claims", () => {
  it.scoped("a renamed claim goes on under its new names, its operation and its work key", () =>
    Effect.gen(function* () {
      const { id, journal, operationId, workKey } = yield* claimed()
      const hand = yield* handTask()
      const flow = second(
        { Basket: ["Payment"], Payment: ["Paid"], Paid: [] },
        { Pay: "Payment", Done: "Paid" },
        {
          Payment: hand.task
        }
      )
      const { sessions } = yield* boot(journal, { flow })
      const context = yield* hand.called(0)
      assert.deepInclude(context, { operationId, workKey })
      assert.deepInclude(context.session, { state: "Payment", nextState: "Paid", version: 3 })
      yield* hand.succeed(0, { orderId: "o" })
      assert.deepInclude(yield* settled(sessions, id), { state: "Paid", closedBy: "COMPLETED", orderId: "o" })
      assert.deepStrictEqual(yield* typesOf(sessions, id), ["Opened", "Claimed", "Migrated", "TaskCompleted"])
    })
  )

  it.scoped("a task that must not be repeated is not started a second time by a migration", () =>
    Effect.gen(function* () {
      const { id, journal } = yield* claimed()
      const hand = yield* handTask({ repeatable: false })
      const flow = second(
        { Basket: ["Payment"], Payment: ["Done"], Done: [] },
        { Pay: "Payment" },
        {
          Payment: hand.task
        }
      )
      const { sessions } = yield* boot(journal, { flow })
      assert.deepInclude(yield* settled(sessions, id), { state: "Error" })
      assert.strictEqual(hand.calls.length, 0)
    })
  )

  for (const [what, transitions] of [
    ["goal", { Basket: ["Pay"], Pay: ["Basket"] }],
    ["own state", { Basket: ["Done"], Done: [] }],
    ["state and goal", { Basket: ["Other"], Other: ["Basket"] }]
  ] as const)
    it.scoped(`a claim whose ${what} is gone ends in Error, cause STATE_RETIRED; its late success is kept`, () =>
      Effect.gen(function* () {
        const { id, journal, operationId, workKey } = yield* claimed()
        const { sessions } = yield* boot(journal, { flow: second(transitions) })
        const ended = yield* settled(sessions, id)
        assert.deepInclude(ended, { state: "Error", isError: true, operationId: null, version: 3 })
        const [, , migrated] = yield* sessions.history(admin, { checkoutSessionId: id })
        assert.deepInclude(migrated, { type: "Migrated", from: "Pay", to: "Error", operationId, workKey })
        assert.strictEqual(migrated?.cause?.code, "STATE_RETIRED")
        const late = sessions.completeTask(admin, { checkoutSessionId: id, operationId, orderId: "paid" })
        assert.deepInclude(yield* refusalOf(late), {
          _tag: "OperationNotCurrent",
          reason: "OPERATION_LATE",
          recorded: true
        })
        const entries = yield* sessions.history(admin, { checkoutSessionId: id })
        assert.deepInclude(entries.at(-1), { type: "LateResult", orderId: "paid", operationId })
        // Out of Error there is a way on, and an old name is answered with the state of now.
        const mismatch = yield* refusalOf(update(sessions, id, "Pay", "Basket"))
        assert.deepInclude(mismatch, { _tag: "ExpectedStateMismatch" })
        yield* update(sessions, id, "Error", "Basket")
      })
    )

  it.scoped("the work key of a renamed state is found again by the next claim", () =>
    Effect.gen(function* () {
      const journal = slowMemory()
      const hand = yield* handTask({ retry: { limit: 0 } })
      const before = yield* boot(journal, { flow: first(hand.task) })
      const id = yield* opened(before.sessions, "cart-1", { initialState: "Pay" })
      yield* update(before.sessions, id, "Pay", "Done")
      const { workKey } = yield* hand.called(0)
      yield* hand.fail(0, { code: "TIMEOUT", message: "no answer" })
      yield* settled(before.sessions, id)
      yield* before.stop
      const again = yield* handTask()
      const flow = second(
        { Basket: ["Payment"], Payment: ["Done"], Done: [] },
        { Pay: "Payment" },
        {
          Payment: again.task
        }
      )
      const { sessions } = yield* boot(journal, { flow })
      yield* update(sessions, id, "Error", "Payment")
      yield* update(sessions, id, "Payment", "Done")
      assert.strictEqual((yield* again.called(0)).workKey, workKey)
    })
  )

  it.scoped("a claim whose own state became final reaches its goal; a release completes the session", () =>
    Effect.gen(function* () {
      const flow = (pay: Task.Task) => second({ Basket: ["Pay", "Done"], Pay: [], Done: ["Basket"] }, {}, { Pay: pay })
      const one = yield* claimed()
      const hand = yield* handTask()
      const goingOn = yield* boot(one.journal, { flow: flow(hand.task) })
      yield* hand.called(0)
      yield* hand.succeed(0)
      assert.deepInclude(yield* settled(goingOn.sessions, one.id), { state: "Done", isArchived: false })
      const other = yield* claimed()
      const { sessions } = yield* boot(other.journal, { flow: flow({}) })
      const { id: checkoutSessionId, operationId } = other
      const released = yield* sessions.releaseClaim(admin, { checkoutSessionId, operationId, reason: "stuck" })
      assert.deepInclude(released.session, { state: "Pay", closedBy: "COMPLETED" })
    })
  )

  it.scoped("an update that was accepted before is replayed under its key, though its states are gone", () =>
    Effect.gen(function* () {
      const journal = slowMemory()
      const before = yield* boot(journal, { flow: first() })
      const id = yield* opened(before.sessions)
      const accepted = yield* update(before.sessions, id, "Basket", "Ship", { idempotencyKey: "k" })
      yield* before.stop
      const { sessions } = yield* boot(journal, { flow: second({ Start: ["Pay"], Basket: ["Start"], Pay: [] }) })
      const replayed = yield* update(sessions, id, "Basket", "Ship", { idempotencyKey: "k" })
      assert.deepStrictEqual(replayed, { ...accepted, replayed: true })
      const other = yield* refusalOf(update(sessions, id, "Basket", "Ship", { idempotencyKey: "other" }))
      assert.deepInclude(other, { _tag: "InvalidState", fields: ["nextState"] })
    })
  )
})
