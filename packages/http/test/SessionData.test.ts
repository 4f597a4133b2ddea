/** Data on the wire: the native format, its streams, the typed client; and none in the standard action. */

import { assert, layer } from "@effect/vitest"
import { type Caller, CheckoutEngine, Flow, type Json } from "@onelane/checkout"
import { Effect, Schema, Stream } from "effect"
import * as CheckoutClient from "../src/CheckoutClient.js"
import { adapters, Base, newCart, newSession, send, servingEngine, update } from "./HttpWorld.js"

const flow = Flow.defineFlow({
  name: "shop",
  initial: "Start",
  transitions: { Start: ["Pay"], Pay: ["Done"], Done: [] },
  tasks: { Pay: {} },
  data: Schema.Struct({
    email: Schema.optional(Schema.String),
    items: Schema.optional(Schema.Array(Schema.Number)),
    free: Schema.optional(Schema.Unknown)
  })
})

const anybody = null as unknown as Caller.Caller
const client = Effect.flatMap(Base, ({ url }) => CheckoutClient.make({ url, token: "buyer" }))

let deepest: unknown = 1
for (let depth = 1; depth < 32; depth++) deepest = [deepest]

for (const adapter of adapters)
  layer(servingEngine(CheckoutEngine.layer({ flow, taskDrainMillis: 10 }), adapter), { excludeTestServices: true })(
    `data on the wire, by ${adapter}`,
    (it) => {
      it.effect("open, get, update, complete and history carry data", () =>
        Effect.gen(function* () {
          const { cartId } = yield* newCart
          const opened = yield* send("POST", "/v1/checkout-sessions", { body: { cartId, data: { email: "a" } } })
          assert.strictEqual(opened.status, 201)
          const { id } = opened.body.session
          assert.deepStrictEqual((yield* send("GET", `/v1/checkout-sessions/${id}`)).body.data, { email: "a" })
          const moved = yield* update(id, "Start", "Pay", { body: { data: { items: [1, 2], email: null } } })
          assert.deepStrictEqual(moved.body.session.data, { items: [1, 2] })
          const claimed = yield* update(id, "Pay", "Done", { body: { data: { email: "b" } } })
          const { operationId } = claimed.body.session
          const complete = (data: unknown) =>
            send("POST", `/v1/checkout-sessions/${id}/operations/${operationId}/complete`, {
              as: "integrator",
              body: { data }
            })
          const refused = yield* complete({ email: 7 })
          assert.deepInclude(refused.body, {
            status: 422,
            _tag: "InvalidData",
            code: "INVALID_INPUT",
            paths: ["/email"]
          })
          assert.deepStrictEqual((yield* complete({ items: null })).body.session.data, { email: "b" })
          const { entries } = (yield* send("GET", `/v1/checkout-sessions/${id}/history`)).body
          assert.deepStrictEqual(
            entries.map(({ data }: { data: unknown }) => data),
            [{ email: "a" }, { items: [1, 2], email: null }, { email: "b" }, { items: null }]
          )
        })
      )

      it.effect("an edit in place takes If-Match, and invalid data answers 422 with the current session", () =>
        Effect.gen(function* () {
          const { id } = yield* newSession
          const edit = (version: string, data: unknown) =>
            update(id, "Start", "Start", { body: { data }, headers: { "if-match": version } })
          assert.strictEqual((yield* edit('"1"', { email: "a" })).status, 200)
          assert.strictEqual((yield* edit('"1"', { email: "b" })).status, 412)
          const refused = yield* edit('"2"', { email: ["secret"] })
          assert.strictEqual(refused.status, 422)
          assert.strictEqual(refused.body.type, "urn:onelane:problem:invalid-data")
          assert.deepInclude(refused.body, { reason: "DATA_MISMATCH", retryable: false, applied: "no" })
          assert.deepInclude(refused.body.current, { state: "Start", version: 2 })
          assert.notInclude(refused.text, "secret")
        })
      )

      it.effect("a body holds data of 32 levels; what is no patch is a 400 that names the field", () =>
        Effect.gen(function* () {
          const { id } = yield* newSession
          for (const body of [
            `{"expCurrentState":"Start","nextState":"Pay","data":{"__proto__":{"isAdmin":true}}}`,
            `{"expCurrentState":"Start","nextState":"Pay","data":[1]}`,
            `{"expCurrentState":"Start","nextState":"Pay","data":{"a":"\\ud800"}}`
          ]) {
            const refused = yield* send("POST", `/v1/checkout-sessions/${id}/update`, { body })
            assert.deepInclude(refused.body, { status: 400, _tag: "InvalidInput" })
            assert.deepStrictEqual(refused.body.fields, ["data"])
          }
          const large = yield* update(id, "Start", "Pay", { body: { data: { free: "x".repeat(70_000) } } })
          assert.deepInclude(large.body, { status: 422, reason: "DATA_TOO_LARGE" })
          const deep = yield* update(id, "Start", "Pay", { body: { data: { free: deepest } } })
          assert.strictEqual(deep.status, 200)
        })
      )

      it.effect("the typed client sends and reads data, and refuses what JSON would change", () =>
        Effect.gen(function* () {
          const sessions = yield* client
          const { cartId } = yield* newCart
          const { session } = yield* sessions.open(anybody, { cartId, data: { items: [1] } })
          assert.deepStrictEqual(session.data, { items: [1] })
          const move = { checkoutSessionId: session.id, expCurrentState: "Start", nextState: "Pay" }
          for (const data of [{ free: new Date(0) }, { free: undefined }, { free: Number.NaN }, { free: () => 1 }])
            assert.deepInclude(
              yield* Effect.flip(sessions.update(anybody, { ...move, data: data as unknown as Json.JsonObject })),
              { _tag: "InvalidInput", applied: "no" }
            )
          const wrong = yield* Effect.flip(sessions.update(anybody, { ...move, data: { email: 1 } }))
          assert.deepInclude(wrong, { _tag: "InvalidData", paths: ["/email"] })
          const moved = yield* sessions.update(anybody, { ...move, data: { email: "a" } })
          assert.deepStrictEqual(moved.session.data, { items: [1], email: "a" })
          const changes = sessions.changes(anybody, { checkoutSessionId: session.id, afterVersion: 0 })
          const seen = yield* Stream.runCollect(Stream.take(changes, 2))
          assert.deepStrictEqual(
            Array.from(seen, ({ data }) => data),
            [{ items: [1] }, { email: "a" }]
          )
        })
      )

      it.effect("the standard action knows no data, in or out", () =>
        Effect.gen(function* () {
          const { id } = yield* newSession
          const act = (input: object) =>
            send("POST", "/services/data/v62.0/actions/standard/updateCheckoutSessionAction", {
              body: { inputs: [{ checkoutSessionId: id, expCurrentState: "Start", nextState: "Pay", ...input }] }
            })
          for (const data of [{ email: "a" }, {}, null]) {
            const refused = yield* act({ data })
            assert.strictEqual(refused.status, 400)
            assert.deepStrictEqual(refused.body[0].errors[0], {
              statusCode: "INVALID_INPUT",
              message: "data is no input of this action.",
              fields: ["data"]
            })
          }
          const done = yield* act({})
          assert.strictEqual(done.status, 200)
          assert.notInclude(done.text, "data")
        })
      )
    }
  )
