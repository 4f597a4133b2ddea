import { assert } from "@effect/vitest"
import { CheckoutSessions, Flow } from "@onelane/checkout"
import { Effect } from "effect"
import { type Answer, Base, byEveryAdapter, callers, newCart, newSession, type SendOptions, send } from "./HttpWorld.js"

const root = "/services/data/v62.0/actions/standard"

const invoke = (inputs: ReadonlyArray<unknown>, options: SendOptions & { readonly action?: string } = {}) =>
  send("POST", `${root}/${options.action ?? "updateCheckoutSessionAction"}`, { ...options, body: { inputs } })

const move = (checkoutSessionId: string, expCurrentState: string, nextState: string) => ({
  checkoutSessionId,
  nextState,
  expCurrentState
})

const requestError = ({ status, headers, body }: Answer, expected: number, errorCode: string) => {
  assert.strictEqual(status, expected)
  assert.match(headers["content-type"]!, /^application\/json/)
  assert.strictEqual(body.length, 1)
  assert.deepStrictEqual(Object.keys(body[0]), ["message", "errorCode"])
  assert.strictEqual(body[0].errorCode, errorCode)
}

byEveryAdapter("standard actions: one input", {}, (it) => {
  it.effect("S1 a success has the vendor's element, whole", () =>
    Effect.gen(function* () {
      const { id } = yield* newSession
      const { status, headers, body } = yield* invoke([move(id, "Start", "Shipping Address")])
      assert.strictEqual(status, 200)
      assert.strictEqual(headers["cache-control"], "no-store")
      const [{ outputValues, current, ...element }] = body
      assert.deepStrictEqual(element, {
        actionName: "updateCheckoutSessionAction",
        isSuccess: true,
        errors: null,
        invocationId: null,
        outcome: null,
        sortOrder: -1,
        version: 1
      })
      assert.deepStrictEqual(Object.keys(outputValues).sort(), ["checkoutSessionId", "requestId"])
      assert.strictEqual(outputValues.checkoutSessionId, id)
      assert.deepInclude(current, { state: "Shipping Address", version: 2, lastRequestId: outputValues.requestId })
    })
  )
  it.effect("S2 a failure has errors, and message and errorCode at the top", () =>
    Effect.gen(function* () {
      const { id } = yield* newSession
      const { status, body } = yield* invoke([move(id, "Taxes", "Inventory")])
      assert.strictEqual(status, 409)
      const [{ message, ...element }] = body
      assert.deepStrictEqual(element.errors, [{ statusCode: "INVALID_INPUT", message, fields: [] }])
      assert.deepInclude(element, {
        actionName: "updateCheckoutSessionAction",
        isSuccess: false,
        outputValues: null,
        errorCode: "INVALID_INPUT",
        reason: "STATE_MISMATCH",
        retryable: false,
        retryAfterMillis: null,
        applied: "no",
        invocationId: null,
        outcome: null,
        sortOrder: -1,
        version: 1
      })
      assert.deepInclude(element.current, { state: "Start", version: 1 })
    })
  )
  it.effect("S3 the alias does the same under its own name", () =>
    Effect.gen(function* () {
      const { id } = yield* newSession
      const action = "updateCheckoutSessionStateAction"
      const { status, body } = yield* invoke([move(id, "Start", "Inventory")], { action })
      assert.strictEqual(status, 200)
      assert.strictEqual(body[0].actionName, action)
    })
  )
  it.effect("S4 codes and statuses of the page's conditions, one by one", () =>
    Effect.gen(function* () {
      const { id } = yield* newSession
      const good = move(id, "Start", "Inventory")
      const conditions: ReadonlyArray<readonly [unknown, SendOptions, number, string]> = [
        [good, { as: "nobody" }, 400, "BAD_REQUEST"],
        [good, { as: "stranger" }, 400, "INSUFFICIENT_ACCESS_OR_READONLY"],
        [move("cs_missing", "Start", "Inventory"), {}, 400, "INSUFFICIENT_ACCESS_OR_READONLY"],
        [move("not an id!", "Start", "Inventory"), {}, 403, "UNKNOWN_EXCEPTION"],
        [{ ...good, nextState: null }, {}, 400, "REQUIRED_FIELD_MISSING"],
        [{ ...good, nextState: 5 }, {}, 400, "INVALID_INPUT"],
        [{ ...good, surprise: 1 }, {}, 400, "INVALID_INPUT"],
        [null, {}, 400, "INVALID_INPUT"],
        ["text", {}, 400, "INVALID_INPUT"],
        [move(id, "Start", "Complete"), {}, 409, "INVALID_INPUT"]
      ]
      for (const [input, options, status, code] of conditions) {
        const answer = yield* invoke([input], options)
        assert.strictEqual(answer.status, status, JSON.stringify(input))
        assert.strictEqual(answer.body[0].errorCode, code)
        assert.strictEqual(answer.body[0].errors[0].statusCode, code)
      }
    })
  )
  it.effect("S5 a missing and a forbidden session get byte-identical bodies", () =>
    Effect.gen(function* () {
      const { id } = yield* newSession
      const forbidden = yield* invoke([move(id, "Start", "Inventory")], { as: "stranger" })
      const missing = yield* invoke([move("cs_missing", "Start", "Inventory")], { as: "stranger" })
      assert.strictEqual(forbidden.text, missing.text)
      assert.strictEqual(forbidden.status, missing.status)
    })
  )
  it.effect("S6 an idempotency key replays, and the answer says so", () =>
    Effect.gen(function* () {
      const { id } = yield* newSession
      const input = { ...move(id, "Start", "Inventory"), idempotencyKey: "k", expectedVersion: 1 }
      const first = yield* invoke([input])
      const again = yield* invoke([input])
      assert.isUndefined(first.headers["idempotent-replayed"])
      assert.strictEqual(again.headers["idempotent-replayed"], "true")
      assert.deepStrictEqual(again.body[0].outputValues, first.body[0].outputValues)
    })
  )
  it.effect("S7 checkoutSessionAction gets or creates, cancelCartAsyncOperation cancels", () =>
    Effect.gen(function* () {
      const sessions = yield* CheckoutSessions.CheckoutSessions
      const { cartId } = yield* newCart
      const inputs = [{ cartId, initialState: "Inventory" }]
      const first = yield* invoke(inputs, { action: "checkoutSessionAction" })
      const again = yield* invoke(inputs, { action: "checkoutSessionAction" })
      assert.strictEqual(first.status, 200)
      const { checkoutSessionId } = first.body[0].outputValues
      assert.strictEqual(again.body[0].outputValues.checkoutSessionId, checkoutSessionId)
      const cancelled = yield* invoke([{ cartId }], { action: "cancelCartAsyncOperation" })
      assert.deepInclude(cancelled.body[0], { actionName: "cancelCartAsyncOperation", isSuccess: true })
      assert.isTrue((yield* sessions.get(callers.admin, { checkoutSessionId })).isArchived)
    })
  )
  it.effect("S7 nothing to cancel is a success without a session, for a cart the caller may see and no other", () =>
    Effect.gen(function* () {
      const { cartId } = yield* newCart
      const action = "cancelCartAsyncOperation"
      const cancel = (id: string, options: SendOptions = {}) => invoke([{ cartId: id }], { action, ...options })
      const nothing = yield* cancel(cartId)
      assert.strictEqual(nothing.status, 200)
      assert.deepInclude(nothing.body[0], { isSuccess: true, errors: null, current: null })
      assert.isNull(nothing.body[0].outputValues.checkoutSessionId)
      assert.isString(nothing.body[0].outputValues.requestId)
      yield* invoke([{ cartId }], { action: "checkoutSessionAction" })
      assert.isString((yield* cancel(cartId)).body[0].outputValues.checkoutSessionId)
      assert.isNull((yield* cancel(cartId)).body[0].outputValues.checkoutSessionId)
      const [hidden, missing] = [yield* cancel(cartId, { as: "stranger" }), yield* cancel("none", { as: "stranger" })]
      assert.strictEqual(hidden.status, 400)
      assert.deepStrictEqual(hidden.body, missing.body)
    })
  )
  it.effect(
    "S7 a cart that was ordered is neither opened again nor cancelled, unless a second order is asked for",
    () =>
      Effect.gen(function* () {
        const { cartId } = yield* newCart
        const opening = { cartId, initialState: "Order Confirmation" }
        const open = (more: object = {}) => invoke([{ ...opening, ...more }], { action: "checkoutSessionAction" })
        const { checkoutSessionId } = (yield* open()).body[0].outputValues
        yield* invoke([move(checkoutSessionId, "Order Confirmation", "Complete")])
        const cancel = yield* invoke([{ cartId }], { action: "cancelCartAsyncOperation" })
        for (const { body, status } of [yield* open(), yield* open({ again: false }), cancel]) {
          assert.strictEqual(status, 409)
          const told = { errorCode: "INVALID_OPERATION", reason: "COMPLETED", checkoutSessionId, orderId: null }
          assert.deepInclude(body[0], { isSuccess: false, outputValues: null, applied: "no", ...told })
          assert.deepInclude(body[0].current, { state: "Complete", isArchived: true })
        }
        const again = yield* open({ again: true })
        assert.isTrue(again.body[0].isSuccess)
        assert.notStrictEqual(again.body[0].outputValues.checkoutSessionId, checkoutSessionId)
        assert.strictEqual((yield* open({ again: 1 })).body[0].errorCode, "INVALID_INPUT")
      })
  )
  it.effect("S8 while a task runs the answer says how long to wait", () =>
    Effect.gen(function* () {
      const { id } = yield* newSession
      yield* invoke([move(id, "Start", "Inventory"), move(id, "Inventory", "Confirm Price")])
      const { status, headers, body } = yield* invoke([move(id, "Inventory", "Confirm Price")])
      assert.strictEqual(status, 409)
      assert.deepInclude(body[0], { errorCode: "ALREADY_IN_PROCESS", retryable: true })
      assert.strictEqual(headers["retry-after"], String(Math.ceil(body[0].retryAfterMillis / 1000)))
    })
  )
})

byEveryAdapter(
  "standard actions: many inputs, and what the lane says of itself",
  { flow: Flow.b2bClassic, limits: { inputsMaxCount: 50 } },
  (it) => {
    it.effect("S9 inputs on one session run in array order", () =>
      Effect.gen(function* () {
        const { id } = yield* newSession
        const steps = ["Start", "Shipping Address", "Inventory"]
        const { status, body } = yield* invoke([
          move(id, "Start", "Shipping Address"),
          move(id, "Shipping Address", "Inventory")
        ])
        assert.strictEqual(status, 200)
        assert.deepStrictEqual(
          body.map((element: any) => element.current.state),
          steps.slice(1)
        )
        const { body: back } = yield* invoke([move(id, "Start", "Inventory"), move(id, "Inventory", "Confirm Price")])
        assert.deepStrictEqual([back[0].isSuccess, back[1].isSuccess], [false, true])
      })
    )
    it.effect("S10 a mixed call keeps its successes and answers in input order", () =>
      Effect.gen(function* () {
        const made = yield* Effect.all(Array.from({ length: 20 }, () => newSession))
        const inputs = made.map(({ id }, index) => move(id, index % 2 === 0 ? "Start" : "Taxes", "Inventory"))
        const { status, body } = yield* invoke(inputs)
        assert.strictEqual(status, 409)
        for (const [index, { id }] of made.entries()) {
          assert.strictEqual(body[index].isSuccess, index % 2 === 0)
          if (index % 2 === 0) assert.strictEqual(body[index].outputValues.checkoutSessionId, id)
        }
      })
    )
    it.effect("S11 failures that differ in status make a 400", () =>
      Effect.gen(function* () {
        const { id } = yield* newSession
        const { status, body } = yield* invoke([
          move("not an id!", "Start", "Inventory"),
          move(id, "Taxes", "Inventory")
        ])
        assert.strictEqual(status, 400)
        assert.deepStrictEqual(
          body.map((element: any) => element.errorCode),
          ["UNKNOWN_EXCEPTION", "INVALID_INPUT"]
        )
      })
    )
    it.effect("S12 of many inputs for one visit exactly one succeeds", () =>
      Effect.gen(function* () {
        const { id } = yield* newSession
        const { body } = yield* invoke(Array.from({ length: 50 }, () => move(id, "Start", "Inventory")))
        assert.deepStrictEqual(
          body.map((element: any) => element.isSuccess),
          [true, ...Array.from({ length: 49 }, () => false)]
        )
      })
    )
    it.effect("S13 inputs must be a non-empty list within the limit", () =>
      Effect.gen(function* () {
        for (const body of ["{}", '{"inputs":[]}', '{"inputs":{}}', '{"inputs":[{}],"more":1}', "[]", "5", "{"]) {
          const answer = yield* send("POST", `${root}/updateCheckoutSessionAction`, { body })
          requestError(answer, 400, "JSON_PARSER_ERROR")
        }
        requestError(yield* invoke(Array.from({ length: 51 }, () => ({}))), 400, "LIMIT_EXCEEDED")
      })
    )
    it.effect("S14 any version segment; other paths, actions and methods are told apart", () =>
      Effect.gen(function* () {
        const { id } = yield* newSession
        for (const version of ["v20.0", "v62.0", "v101.3"]) {
          const path = `/services/data/${version}/actions/standard/updateCheckoutSessionAction`
          const answer = yield* send("POST", path, { body: { inputs: [move(id, "Taxes", "Inventory")] } })
          assert.strictEqual(answer.status, 409)
        }
        for (const path of ["/v62/actions/standard", "/62.0/actions/standard", "/v62.0/actions/custom", "/v62.0"]) {
          requestError(yield* send("GET", `/services/data${path}`), 404, "NOT_FOUND")
        }
        for (const name of ["other", "toString", "updatecheckoutsessionaction", "updateCheckoutSessionAction/"]) {
          requestError(yield* send("POST", `${root}/${name}`, { body: { inputs: [{}] } }), 404, "NOT_FOUND")
        }
        const wrong = yield* send("DELETE", `${root}/updateCheckoutSessionAction`)
        requestError(wrong, 405, "METHOD_NOT_ALLOWED")
        assert.strictEqual(wrong.headers.allow, "GET, POST")
      })
    )
    it.effect("S15 describe names inputs and outputs, and the flow's states as pick lists", () =>
      Effect.gen(function* () {
        const { status, body } = yield* send("GET", `${root}/updateCheckoutSessionAction`)
        assert.strictEqual(status, 200)
        assert.deepInclude(body, { name: "updateCheckoutSessionAction", standard: true })
        const input = Object.fromEntries(body.inputs.map((one: any) => [one.name, one]))
        assert.deepStrictEqual(
          body.inputs.filter((one: any) => one.required).map((one: any) => one.name),
          ["checkoutSessionId", "expCurrentState", "nextState"]
        )
        const valuesOf = (name: string) => input[name].picklistValues.map((one: any) => one.value)
        assert.deepStrictEqual(valuesOf("nextState"), [...Flow.b2bClassic.states])
        assert.deepStrictEqual(valuesOf("expCurrentState"), [...Flow.b2bClassic.states, "Error"])
        assert.deepStrictEqual(
          body.outputs.map((one: any) => one.name),
          ["requestId", "checkoutSessionId"]
        )
      })
    )
    it.effect("S16 the list routes lead to every action", () =>
      Effect.gen(function* () {
        const { path } = yield* Base
        // A link begins with the path below which the format is mounted.
        const linked = (url: string) => {
          assert.isTrue(url.startsWith(`${path}/services/data/`), url)
          return send("GET", url.slice(path.length))
        }
        const versions = yield* send("GET", "/services/data")
        const kinds = yield* linked(`${versions.body[0].url}/actions`)
        const list = yield* linked(kinds.body.standard)
        assert.deepStrictEqual(list.body.actions.map((action: any) => action.name).sort(), [
          "cancelCartAsyncOperation",
          "checkoutSessionAction",
          "updateCheckoutSessionAction",
          "updateCheckoutSessionStateAction"
        ])
        for (const { name, url } of list.body.actions) assert.strictEqual((yield* linked(url)).body.name, name)
      })
    )
    it.effect("S17 without a good token nothing is said, not even whether a path exists", () =>
      Effect.gen(function* () {
        for (const path of ["/services/data", `${root}/nothing`, `${root}/updateCheckoutSessionAction`]) {
          const missing = yield* send("GET", path, { as: null })
          requestError(missing, 401, "INVALID_SESSION_ID")
          assert.strictEqual(missing.headers["www-authenticate"], "Bearer")
          const bad = yield* send("GET", path, { as: null, headers: { authorization: "Bearer forged" } })
          requestError(bad, 401, "INVALID_SESSION_ID")
          assert.include(bad.body[0].message, "This session is not valid for use with the REST API")
        }
      })
    )
  }
)
