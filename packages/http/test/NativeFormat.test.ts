import { assert } from "@effect/vitest"
import { CheckoutSessions } from "@onelane/checkout"
import { Directory } from "@onelane/directory"
import { Effect } from "effect"
import { Base, byEveryAdapter, callers, newCart, newSession, send, update } from "./HttpWorld.js"

const isoInstant = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/

byEveryAdapter("native format: answers", {}, (it) => {
  it.effect("N1 open answers 201 with Location and ETag, then 200 with the same session", () =>
    Effect.gen(function* () {
      const { cartId } = yield* newCart
      const first = yield* send("POST", "/v1/checkout-sessions", { body: { cartId } })
      assert.strictEqual(first.status, 201)
      assert.strictEqual(first.headers.location, `${(yield* Base).path}/v1/checkout-sessions/${first.body.session.id}`)
      assert.strictEqual(first.headers.etag, '"1"')
      const second = yield* send("POST", "/v1/checkout-sessions", { body: { cartId } })
      assert.strictEqual(second.status, 200)
      assert.isFalse(second.body.created)
      assert.deepStrictEqual(second.body.session, first.body.session)
    })
  )
  it.effect("N2 get answers the session with ISO 8601 instants, its version as ETag, and no-store", () =>
    Effect.gen(function* () {
      const { id } = yield* newSession
      const { status, headers, body } = yield* send("GET", `/v1/checkout-sessions/${id}`)
      assert.strictEqual(status, 200)
      assert.deepInclude(body, { id, state: "Start", version: 1, expiresAt: null, isProcessing: false })
      assert.match(body.createdAt, isoInstant)
      assert.strictEqual(headers.etag, '"1"')
      assert.strictEqual(headers["cache-control"], "no-store")
      assert.match(headers["content-type"]!, /^application\/json/)
    })
  )
  it.effect("N3 update answers requestId, the session and the new ETag", () =>
    Effect.gen(function* () {
      const { id } = yield* newSession
      const { status, headers, body } = yield* update(id, "Start", "Shipping Address")
      assert.strictEqual(status, 200)
      assert.deepInclude(body.session, { state: "Shipping Address", version: 2, lastRequestId: body.requestId })
      assert.isFalse(body.replayed)
      assert.strictEqual(headers.etag, '"2"')
      assert.isUndefined(headers["idempotent-replayed"])
    })
  )
  it.effect("N4 of two browsers one wins; the other gets 409 and learns where the session is", () =>
    Effect.gen(function* () {
      const { id } = yield* newSession
      const race = [update(id, "Start", "Shipping Address"), update(id, "Start", "Inventory")]
      const answers = yield* Effect.all(race, { concurrency: 2 })
      const [won, lost] = answers[0]!.status === 200 ? answers : [answers[1], answers[0]]
      assert.strictEqual(won!.status, 200)
      assert.strictEqual(lost!.status, 409)
      assert.match(lost!.headers["content-type"]!, /^application\/problem\+json/)
      assert.deepInclude(lost!.body, {
        _tag: "ExpectedStateMismatch",
        type: "urn:onelane:problem:expected-state-mismatch",
        status: 409,
        code: "INVALID_INPUT",
        reason: "STATE_MISMATCH",
        applied: "no",
        retryable: false
      })
      const { state, version, lastRequestId } = won!.body.session
      assert.deepInclude(lost!.body.current, { state, version, lastRequestId })
    })
  )
  it.effect("N5 a stale If-Match answers 412, a fresh one passes, one with a wrong state is a 409", () =>
    Effect.gen(function* () {
      const { id } = yield* newSession
      const match = (version: string) => ({ headers: { "if-match": version } })
      assert.strictEqual((yield* update(id, "Start", "Shipping Address", match('"7"'))).status, 412)
      assert.strictEqual((yield* update(id, "Taxes", "Inventory", match('"1"'))).status, 409)
      assert.strictEqual((yield* update(id, "Start", "Shipping Address", match('"1"'))).status, 200)
      assert.strictEqual((yield* update(id, "Shipping Address", "Inventory", match("*"))).status, 200)
      const bodied = yield* update(id, "Inventory", "Confirm Price", { body: { expectedVersion: 1 } })
      assert.strictEqual(bodied.status, 409)
      assert.strictEqual(bodied.body.reason, "VERSION_MISMATCH")
    })
  )
  it.effect("N6 an Idempotency-Key replays the same answer and says so; another input under it is a 422", () =>
    Effect.gen(function* () {
      const { id } = yield* newSession
      const key = { headers: { "idempotency-key": "click-1" } }
      const first = yield* update(id, "Start", "Shipping Address", key)
      const again = yield* update(id, "Start", "Shipping Address", key)
      assert.strictEqual(again.status, 200)
      assert.strictEqual(again.headers["idempotent-replayed"], "true")
      assert.strictEqual(again.body.requestId, first.body.requestId)
      assert.deepStrictEqual(again.body.session, first.body.session)
      const other = yield* update(id, "Start", "Inventory", key)
      assert.strictEqual(other.status, 422)
      assert.deepInclude(other.body, { _tag: "IdempotencyConflict", requestId: first.body.requestId })
    })
  )
  it.effect("N7 what path, header and body say twice must be said alike", () =>
    Effect.gen(function* () {
      const { id } = yield* newSession
      const headers = { "idempotency-key": "a", "if-match": '"1"' }
      for (const body of [{ idempotencyKey: "b" }, { expectedVersion: 2 }, { checkoutSessionId: "other" }]) {
        const { status, body: problem } = yield* update(id, "Start", "Inventory", { headers, body })
        assert.deepInclude({ status, ...problem }, { status: 400, code: "INVALID_INPUT", applied: "no" })
      }
      for (const etag of ["1", 'w/"1"', '"1", "2"', '"x"']) {
        const { status } = yield* update(id, "Start", "Inventory", { headers: { "if-match": etag } })
        assert.strictEqual(status, 400)
      }
      const same = { idempotencyKey: "a", expectedVersion: 1, checkoutSessionId: id }
      assert.strictEqual((yield* update(id, "Start", "Inventory", { headers, body: same })).status, 200)
    })
  )
  it.effect("N8 cancel takes a session by its path or a cart by the body, and no body at all", () =>
    Effect.gen(function* () {
      const one = yield* newSession
      const cancelled = yield* send("POST", `/v1/checkout-sessions/${one.id}/cancel`)
      assert.strictEqual(cancelled.status, 200)
      assert.isTrue(cancelled.body.session.isArchived)
      const again = yield* send("POST", `/v1/checkout-sessions/${one.id}/cancel`)
      assert.deepInclude(again.body, { status: 409, _tag: "SessionClosed", code: "INVALID_OPERATION" })
      const two = yield* newSession
      const byCart = yield* send("POST", "/v1/checkout-sessions/cancel", { body: { cartId: two.cartId } })
      assert.strictEqual(byCart.body.session.id, two.id)
      const neither = yield* send("POST", "/v1/checkout-sessions/cancel", { body: {} })
      assert.deepInclude(neither.body, { status: 400, code: "REQUIRED_FIELD_MISSING" })
    })
  )
  it.effect("N9 history comes in pages", () =>
    Effect.gen(function* () {
      const { id } = yield* newSession
      yield* update(id, "Start", "Shipping Address")
      yield* update(id, "Shipping Address", "Inventory")
      const page = yield* send("GET", `/v1/checkout-sessions/${id}/history?afterVersion=1&limit=1`)
      assert.strictEqual(page.status, 200)
      assert.strictEqual(page.body.entries.length, 1)
      assert.deepInclude(page.body.entries[0], { version: 2, type: "Updated", from: "Start", to: "Shipping Address" })
      assert.match(page.body.entries[0].at, isoInstant)
      for (const query of ["limit=0", "limit=ten", "limit=1&limit=2", "unknown=1", "afterVersion=-1"]) {
        const refused = yield* send("GET", `/v1/checkout-sessions/${id}/history?${query}`)
        assert.deepInclude(refused.body, { status: 400, _tag: "InvalidInput" }, query)
      }
    })
  )
})

byEveryAdapter("native format: tasks and refusals", {}, (it) => {
  const claimed = Effect.gen(function* () {
    const session = yield* newSession
    yield* update(session.id, "Start", "Inventory")
    const { body } = yield* update(session.id, "Inventory", "Confirm Price")
    assert.deepInclude(body.session, { state: "Inventory", nextState: "Confirm Price", isProcessing: true })
    return { ...session, operation: `/v1/checkout-sessions/${session.id}/operations/${body.session.operationId}` }
  })
  it.effect("N10 while a task runs an update answers 409 with Retry-After, in whole seconds", () =>
    Effect.gen(function* () {
      const { id } = yield* claimed
      const { status, headers, body } = yield* update(id, "Inventory", "Confirm Price")
      assert.deepInclude({ ...body, status }, { status: 409, _tag: "SessionProcessing", code: "ALREADY_IN_PROCESS" })
      assert.isAbove(body.retryAfterMillis, 0)
      assert.strictEqual(headers["retry-after"], String(Math.ceil(body.retryAfterMillis / 1000)))
    })
  )
  it.effect("N5 If-Match holds for complete, fail and release, and is refused where a cart is named", () =>
    Effect.gen(function* () {
      const endings = [
        ["complete", "integrator", {}],
        ["fail", "integrator", { code: "NO_STOCK" }],
        ["release", "admin", { reason: "stuck" }]
      ] as const
      for (const [ending, as, body] of endings) {
        const { operation } = yield* claimed
        const path = `${operation}/${ending}`
        const stale = yield* send("POST", path, { as, body, headers: { "if-match": '"2"' } })
        assert.deepInclude(stale.body, { status: 412, _tag: "ExpectedStateMismatch", applied: "no" })
        const closed = yield* send("POST", path, { as, body, headers: { "if-match": 'W/"3"' } })
        assert.deepInclude({ ...closed, etag: closed.headers.etag }, { status: 200, etag: '"4"' })
      }
      const open = { as: "admin", body: { cartId: "cart-of-nobody" }, headers: { "if-match": '"1"' } } as const
      assert.deepInclude((yield* send("POST", "/v1/checkout-sessions", open)).body, { status: 400 })
    })
  )
  it.effect("N11 complete, fail and release close a claim; a late result is refused", () =>
    Effect.gen(function* () {
      const as = "integrator" as const
      const one = yield* claimed
      const done = yield* send("POST", `${one.operation}/complete`, { as })
      assert.deepInclude(done.body.session, { state: "Confirm Price", isProcessing: false })
      const late = yield* send("POST", `${one.operation}/complete`, { as, body: { orderId: "order-1" } })
      assert.deepInclude(late.body, { status: 409, _tag: "OperationNotCurrent", code: "INVALID_OPERATION" })
      const two = yield* claimed
      const failed = yield* send("POST", `${two.operation}/fail`, {
        as,
        body: { code: "NO_STOCK", message: "none left" }
      })
      assert.deepInclude(failed.body.session, { state: "Error", isError: true })
      const three = yield* claimed
      const denied = yield* send("POST", `${three.operation}/release`, { as, body: { reason: "stuck" } })
      assert.deepInclude(denied.body, { status: 400, code: "BAD_REQUEST", _tag: "ActionNotPermitted" })
      const released = yield* send("POST", `${three.operation}/release`, { as: "admin", body: { reason: "stuck" } })
      assert.deepInclude(released.body.session, { state: "Inventory", isProcessing: false })
    })
  )
  it.effect("N12 a missing and a forbidden session get byte-identical answers", () =>
    Effect.gen(function* () {
      const { id } = yield* newSession
      const ways = [
        (id: string) => send("GET", `/v1/checkout-sessions/${id}`, { as: "stranger" }),
        (id: string) => update(id, "Start", "Inventory", { as: "stranger" }),
        (id: string) => send("POST", `/v1/checkout-sessions/${id}/cancel`, { as: "stranger" }),
        (id: string) => send("GET", `/v1/checkout-sessions/${id}/history`, { as: "stranger" }),
        (id: string) => send("GET", `/v1/checkout-sessions/${id}/events`, { as: "stranger" })
      ]
      for (const way of ways) {
        const [forbidden, missing] = [yield* way(id), yield* way("cs_nosuchsession")]
        assert.strictEqual(forbidden.status, 400)
        assert.strictEqual(forbidden.body.code, "INSUFFICIENT_ACCESS_OR_READONLY")
        assert.strictEqual(forbidden.text, missing.text)
        const { date: _, ...headers } = forbidden.headers
        const { date: __, ...others } = missing.headers
        assert.deepStrictEqual(headers, others)
      }
    })
  )
  it.effect("N13 permission is checked before inputs, inputs before ids, ids before states", () =>
    Effect.gen(function* () {
      const bad = "/v1/checkout-sessions/not%20an%20id/update"
      const states = { expCurrentState: "Nowhere", nextState: "Start" }
      assert.strictEqual((yield* send("POST", bad, { as: "nobody", body: {} })).body._tag, "ActionNotPermitted")
      const missing = yield* send("POST", bad, { body: { nextState: "Start" } })
      assert.deepInclude(missing.body, { code: "REQUIRED_FIELD_MISSING", fields: ["expCurrentState"] })
      const unknown = yield* send("POST", bad, { body: '{"expCurrentState":"a","nextState":"b","__proto__":{}}' })
      assert.deepInclude(unknown.body, { code: "INVALID_INPUT", _tag: "InvalidInput" })
      const malformed = yield* send("POST", bad, { body: states })
      assert.deepInclude(malformed.body, { status: 403, code: "UNKNOWN_EXCEPTION", _tag: "InvalidCheckoutSessionId" })
      const state = yield* send("POST", "/v1/checkout-sessions/fine/update", { body: states })
      assert.deepInclude(state.body, { status: 400, _tag: "InvalidState" })
    })
  )
  it.effect("N14 the cart's status, the account and the membership are refused with their codes", () =>
    Effect.gen(function* () {
      const directory = yield* Directory.Directory
      const { id, cartId, accountId, storeId } = yield* newSession
      yield* directory.setCartStatus(cartId, "Closed")
      assert.deepInclude((yield* update(id, "Start", "Inventory")).body, { status: 409, code: "INVALID_OPERATION" })
      yield* directory.removeStoreMember(storeId, accountId)
      assert.strictEqual((yield* update(id, "Start", "Inventory")).body._tag, "NotStoreMember")
      yield* directory.putAccount({ id: accountId, active: false })
      assert.strictEqual((yield* update(id, "Start", "Inventory")).body._tag, "AccountInaccessible")
    })
  )
  it.effect("N15 the caller is the token's, whatever the body claims", () =>
    Effect.gen(function* () {
      const sessions = yield* CheckoutSessions.CheckoutSessions
      const { id } = yield* newSession
      const { body } = yield* update(id, "Start", "Inventory", { body: { caller: callers.admin }, as: "nobody" })
      assert.strictEqual(body._tag, "ActionNotPermitted")
      assert.strictEqual((yield* sessions.get(callers.admin, { checkoutSessionId: id })).state, "Start")
    })
  )
})
