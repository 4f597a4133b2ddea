/**
 * CheckoutSuiteLists: sessions by state, age, cart and claim, and the claims that are open, as `CheckoutSuite` runs
 * them. Tasks and other nodes commit asynchronously, so the tests poll until a list shows the expected result.
 */
import { assert } from "@effect/vitest"
import type { CheckoutError, CheckoutSessions } from "@onelane/checkout"
import { Effect } from "effect"
import { type CheckoutIt, callers, elapse, openedWorld, Sessions, steps } from "./CheckoutWorld.js"

/** Every page of a list. */
const every = (input: CheckoutSessions.SessionsInput) =>
  Effect.gen(function* () {
    const sessions = yield* Sessions
    const found: Array<CheckoutSessions.SessionsPage["sessions"][number]> = []
    let after: string | undefined
    for (;;) {
      const page: CheckoutSessions.SessionsPage = yield* sessions.sessions(callers.admin, { ...input, after })
      found.push(...page.sessions)
      if (page.next === null) return found
      after = page.next
    }
  })

/** Polls until the list has these ids. */
const lists = (live: boolean, input: CheckoutSessions.SessionsInput, ids: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const wanted = [...ids].sort()
    for (let tries = 0; ; tries++) {
      const rows = yield* every(input)
      const found = rows.map(({ checkoutSessionId }) => checkoutSessionId)
      if (JSON.stringify(found) === JSON.stringify(wanted)) return rows
      if (tries === 100) assert.deepStrictEqual(found, wanted, JSON.stringify(input))
      yield* elapse(live ? 100 : 600, live)
      yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
    }
  })

/** Registers the tests of lists. */
export const listing = (it: CheckoutIt, live: boolean): void => {
  it(
    "sessions lists by cart, state and claim what was opened, moved, claimed and closed",
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const { cartId, checkoutSessionId: first } = yield* openedWorld
      const [opened] = yield* lists(live, { cartId }, [first])
      const session = yield* sessions.get(callers.admin, { checkoutSessionId: first })
      const { createdAt, state, updatedAt, version } = session
      const row = { checkoutSessionId: first, cartId, state, isArchived: false, closedBy: null, operationId: null }
      assert.deepStrictEqual(opened, { ...row, version, createdAt, updatedAt })
      yield* sessions.update(callers.buyer, { checkoutSessionId: first, ...steps[0]! })
      yield* lists(live, { cartId, state: "Shipping Address" }, [first])
      yield* lists(live, { cartId, state: "Start" }, [])
      const claimed = yield* sessions.update(callers.buyer, { checkoutSessionId: first, ...steps[1]! })
      const [shown] = yield* lists(live, { cartId, claimed: true }, [first])
      assert.strictEqual(shown!.operationId, claimed.session.operationId)
      yield* sessions.cancel(callers.admin, { checkoutSessionId: first })
      const [closed] = yield* lists(live, { cartId, archived: true }, [first])
      assert.deepInclude(closed, { isArchived: true, closedBy: "CANCELLED", operationId: null, version: 4 })
      const second = (yield* sessions.open(callers.buyer, { cartId })).session.id
      yield* lists(live, { cartId }, [first, second])
      yield* lists(live, { cartId, archived: false }, [second])
      yield* lists(live, { cartId, claimed: true }, [])
      yield* lists(live, { cartId, state: ["Shipping Address", "Start", "Nowhere"] }, [first, second])
    })
  )
  it(
    "sessions lists those whose task failed, and by the time of their last change",
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const { cartId, checkoutSessionId } = yield* openedWorld
      yield* sessions.update(callers.buyer, { checkoutSessionId, ...steps[0]! })
      const { operationId } = (yield* sessions.update(callers.buyer, { checkoutSessionId, ...steps[1]! })).session
      yield* sessions.failTask(callers.integrator, { checkoutSessionId, operationId: operationId!, code: "GONE" })
      const [{ updatedAt } = { updatedAt: 0 }] = yield* lists(live, { cartId, state: "Error" }, [checkoutSessionId])
      yield* lists(live, { cartId, changedAfter: updatedAt }, [checkoutSessionId])
      yield* lists(live, { cartId, changedAfter: updatedAt + 1 }, [])
      yield* lists(live, { cartId, changedBefore: updatedAt + 1 }, [checkoutSessionId])
      yield* lists(live, { cartId, changedBefore: updatedAt }, [])
    })
  )
  it(
    "sessions gives every session once, page after page, in the order of their ids",
    Effect.gen(function* () {
      const worlds = yield* Effect.all(Array.from({ length: 7 }, () => openedWorld))
      const ids = worlds.map(({ checkoutSessionId }) => checkoutSessionId).sort()
      for (const [index, { cartId }] of worlds.entries())
        yield* lists(live, { cartId }, [worlds[index]!.checkoutSessionId])
      for (const input of [
        {},
        { state: "Start" },
        { archived: false },
        { state: ["Start", "Taxes"], archived: false }
      ]) {
        const rows = yield* every({ ...input, limit: 2 })
        const found = rows.map(({ checkoutSessionId }) => checkoutSessionId)
        assert.deepStrictEqual(found, [...new Set(found)].sort())
        assert.includeMembers(found, ids)
      }
    })
  )
  it(
    "sessions is for operators, and refuses what it does not know",
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const tagOf = (caller: typeof callers.admin, input: object) =>
        Effect.map(Effect.flip(sessions.sessions(caller, input as never)), (error: CheckoutError.AccessError) => error)
      for (const caller of [callers.buyer, callers.integrator, callers.nobody])
        assert.strictEqual((yield* tagOf(caller, {}))._tag, "ActionNotPermitted")
      for (const [field, value] of [
        ["state", ""],
        ["state", []],
        ["state", Array.from({ length: 33 }, (_, index) => `State ${index}`)],
        ["state", "x".repeat(31)],
        ["limit", 0],
        ["limit", 201],
        ["changedBefore", -1],
        ["changedAfter", "yesterday"],
        ["archived", "perhaps"],
        ["cartId", ""],
        ["color", "red"]
      ] as const)
        assert.deepInclude(yield* tagOf(callers.admin, { [field]: value }), {
          _tag: "InvalidInput",
          fields: [field],
          applied: "no"
        })
    })
  )
  it(
    "claims lists the open claims of a state for those who may close them, and a closed one no more",
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const ids: Array<string> = []
      for (let count = 0; count < 3; count++) {
        const { checkoutSessionId } = yield* openedWorld
        yield* sessions.update(callers.buyer, { checkoutSessionId, ...steps[0]! })
        yield* sessions.update(callers.buyer, { checkoutSessionId, ...steps[1]! })
        ids.push(checkoutSessionId)
      }
      const found: Array<CheckoutSessions.OpenOperation> = []
      let after: string | undefined
      for (;;) {
        const input = { state: "Shipping Address", limit: 2, after }
        const page: CheckoutSessions.ClaimsPage = yield* sessions.claims(callers.integrator, input)
        found.push(...page.operations)
        if (page.next === null) break
        after = page.next
      }
      const own = found.filter(({ checkoutSessionId }) => ids.includes(checkoutSessionId))
      assert.strictEqual(own.length, 3)
      for (const operation of own) {
        const { checkoutSessionId, operationId } = operation
        const session = yield* sessions.get(callers.admin, { checkoutSessionId })
        const { cartId, data, nextState, orderId, state, updatedAt, version, workKey } = session
        const shown = { cartId, state, nextState, workKey, orderId, version, updatedAt, data }
        assert.deepStrictEqual<unknown>(operation, { operationId: session.operationId, checkoutSessionId, ...shown })
        yield* sessions.completeTask(callers.integrator, { checkoutSessionId, operationId })
      }
      const left = yield* sessions.claims(callers.integrator, { limit: 200 })
      assert.isFalse(left.operations.some(({ checkoutSessionId }) => ids.includes(checkoutSessionId)))
      assert.strictEqual((yield* Effect.flip(sessions.claims(callers.buyer, {})))._tag, "ActionNotPermitted")
      const odd = yield* Effect.flip(sessions.claims(callers.admin, { limit: 201 }))
      assert.deepInclude(odd, { _tag: "InvalidInput", fields: ["limit"] })
    })
  )
}
