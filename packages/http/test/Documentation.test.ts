import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { rows } from "../src/WireError.js"
import { newSession, send, update, world } from "./HttpWorld.js"

layer(world(), { excludeTestServices: true })("documentation", (it) => {
  it.effect("D1 /openapi.json describes every path of both lanes, and every error with its status", () =>
    Effect.gen(function* () {
      const { status, body, headers } = yield* send("GET", "/openapi.json", { as: null })
      assert.strictEqual(status, 200)
      assert.match(headers["content-type"]!, /^application\/json/)
      assert.match(body.openapi, /^3\.1\./)
      const one = "/v1/checkout-sessions/{checkoutSessionId}"
      for (const path of ["", "/update", "/cancel", "/history", "/events", "/operations/{operationId}/complete"]) {
        assert.property(body.paths, one + path)
      }
      assert.property(body.paths, "/services/data/{version}/actions/standard/{action}")
      const { responses } = body.paths[`${one}/update`].post
      for (const [tag, { status }] of Object.entries(rows)) {
        assert.property(body.components.schemas, `${tag}Problem`)
        if (tag !== "OperationNotCurrent") assert.property(responses, String(status))
      }
      assert.deepStrictEqual(Object.keys(responses["412"].content), ["application/problem+json"])
      const references = new Set(
        [...JSON.stringify(body).matchAll(/"#\/components\/schemas\/(\w+)"/g)].map(([, n]) => n)
      )
      for (const name of references) assert.property(body.components.schemas, name!)
    })
  )
  it.effect("D2 what the server sends has the members the document requires, and no others", () =>
    Effect.gen(function* () {
      const { schemas } = (yield* send("GET", "/openapi.json", { as: null })).body.components
      const membersOf = (name: string) => Object.keys(schemas[name].properties).sort()
      const { id } = yield* newSession
      const read = yield* send("GET", `/v1/checkout-sessions/${id}`)
      assert.deepStrictEqual(Object.keys(read.body).sort(), membersOf("CheckoutSession"))
      const mismatch = yield* update(id, "Taxes", "Inventory")
      assert.deepStrictEqual(Object.keys(mismatch.body).sort(), membersOf("ExpectedStateMismatchProblem"))
      const missing = yield* send("GET", "/v1/nothing")
      assert.deepStrictEqual(Object.keys(missing.body).sort(), membersOf("AdapterProblem"))
      const accepted = yield* update(id, "Start", "Inventory")
      assert.deepStrictEqual(Object.keys(accepted.body).sort(), membersOf("Updated"))
    })
  )
  it.effect("D3 /docs is one page that loads nothing from elsewhere", () =>
    Effect.gen(function* () {
      const { status, headers, text } = yield* send("GET", "/docs", { as: null })
      assert.strictEqual(status, 200)
      assert.match(headers["content-type"]!, /^text\/html/)
      const outside = text.slice(0, text.indexOf("<style>")) + text.slice(text.lastIndexOf("</script>"))
      assert.notMatch(outside, /src=|href=/)
      assert.notMatch(text, /<(script|link|img)[^>]+(src|href)="https?:/)
      assert.include(text, "SwaggerUIBundle")
      assert.include(text, "/v1/checkout-sessions/{checkoutSessionId}/update")
    })
  )
})
