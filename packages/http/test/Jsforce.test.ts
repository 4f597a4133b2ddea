import { assert } from "@effect/vitest"
import { Effect } from "effect"
import jsforce from "jsforce"
import { Base, byEveryAdapter, newSession, type Who } from "./HttpWorld.js"

const path = "/services/data/v62.0/actions/standard/updateCheckoutSessionAction"

const as = (who: Who | "forged", refreshFn?: () => void) =>
  Effect.map(
    Base,
    ({ url }) =>
      new jsforce.Connection({
        instanceUrl: url,
        accessToken: who,
        version: "62.0",
        ...(refreshFn === undefined ? {} : { refreshFn })
      })
  )

const post = (connection: InstanceType<typeof jsforce.Connection>, inputs: ReadonlyArray<unknown>) =>
  Effect.tryPromise({
    try: () => connection.requestPost<Array<any>>(path, { inputs }),
    catch: (error) => error as Readonly<Record<string, any>>
  })

const move = (checkoutSessionId: string, expCurrentState: string, nextState: string) => ({
  checkoutSessionId,
  nextState,
  expCurrentState
})

byEveryAdapter("a real client of the action format", {}, (it) => {
  it.effect("J1 gets the outputs of a success", () =>
    Effect.gen(function* () {
      const { id } = yield* newSession
      const [element] = yield* post(yield* as("buyer"), [move(id, "Start", "Inventory")])
      assert.isTrue(element.isSuccess)
      assert.strictEqual(element.outputValues.checkoutSessionId, id)
    })
  )
  it.effect("J2 keeps the code, the sentence and what is true now of a mismatch", () =>
    Effect.gen(function* () {
      const { id } = yield* newSession
      const error = yield* Effect.flip(post(yield* as("buyer"), [move(id, "Taxes", "Inventory")]))
      assert.strictEqual(error.errorCode, "INVALID_INPUT")
      assert.strictEqual(error.message, "The current state of the session does not match the expected state.")
      assert.deepInclude(error.data.current, { state: "Start", version: 1 })
    })
  )
  it.effect("J3 gets every element of a bulk call, and all of them where some failed", () =>
    Effect.gen(function* () {
      const made = yield* Effect.all(Array.from({ length: 200 }, () => newSession))
      const connection = yield* as("buyer")
      const elements = yield* post(
        connection,
        made.map(({ id }) => move(id, "Start", "Shipping Address"))
      )
      assert.deepStrictEqual(
        elements.map(({ outputValues }) => outputValues.checkoutSessionId),
        made.map(({ id }) => id)
      )
      const [one, two] = made
      const mixed = [move(one!.id, "Start", "Inventory"), move(two!.id, "Shipping Address", "Inventory")]
      const error = yield* Effect.flip(post(connection, mixed))
      assert.deepStrictEqual(
        error.data.map(({ isSuccess, errorCode }: any) => [isSuccess, errorCode ?? null]),
        [
          [false, "INVALID_INPUT"],
          [true, null]
        ]
      )
    })
  )
  it.effect("J4 reads the description", () =>
    Effect.gen(function* () {
      const connection = yield* as("buyer")
      const described = yield* Effect.promise(() => connection.requestGet<any>(path))
      assert.strictEqual(described.name, "updateCheckoutSessionAction")
      assert.include(
        described.inputs.find(({ name }: any) => name === "nextState").picklistValues.map(({ value }: any) => value),
        "Shipping Address"
      )
    })
  )
  it.effect("J5 is told about a bad token once, and does not renew it without end", () =>
    Effect.gen(function* () {
      let renewals = 0
      const connection = yield* as("forged", () => {
        renewals += 1
      })
      const error = yield* Effect.flip(post(connection, [move("x", "Start", "Inventory")]))
      assert.strictEqual(error.errorCode, "INVALID_SESSION_ID")
      assert.include(error.message, "This session is not valid for use with the REST API")
      assert.strictEqual(renewals, 0)
    })
  )
})
