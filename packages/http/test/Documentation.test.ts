import { assert } from "@effect/vitest"
import { Validator } from "@seriousme/openapi-schema-validator"
import { Effect } from "effect"
import { fromProblem, rows } from "../src/contract/WireError.js"
import { byEveryAdapter, newSession, send, update } from "./HttpWorld.js"

/** The contents of every problem response in the document. */
const problemsIn = (body: any): ReadonlyArray<any> =>
  Object.values<any>(body.paths).flatMap((methods) =>
    Object.values<any>(methods).flatMap(({ responses }) =>
      Object.values<any>(responses).flatMap(({ content }) => content?.["application/problem+json"] ?? [])
    )
  )

byEveryAdapter("documentation", {}, (it) => {
  it.effect("D1 /openapi.json describes every path of both formats, and every error with its status", () =>
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
  it.effect("D4 it is a valid document, by the schema of OpenAPI 3.1", () =>
    Effect.gen(function* () {
      const { body } = yield* send("GET", "/openapi.json", { as: null })
      const result = yield* Effect.promise(() => new Validator().validate(body))
      assert.deepStrictEqual(result, { valid: true })
      const broken = yield* Effect.promise(() => new Validator().validate({ ...body, paths: 5 }))
      assert.isFalse(broken.valid, "the validator judges")
    })
  )
  it.effect("D5 it has an example request for every endpoint, and the server takes each of them", () =>
    Effect.gen(function* () {
      const { body } = yield* send("GET", "/openapi.json", { as: null })
      for (const [pattern, methods] of Object.entries<Record<string, any>>(body.paths)) {
        for (const [method, { parameters, requestBody }] of Object.entries<any>(methods)) {
          let path = pattern
          const headers: Record<string, string> = {}
          const query = new URLSearchParams()
          for (const { example, in: place, name } of parameters) {
            assert.isDefined(example, `${path} ${name}`)
            if (place === "path") path = path.replace(`{${name}}`, encodeURIComponent(example))
            else if (place === "header") headers[name] = String(example)
            else query.set(name, String(example))
          }
          const said = requestBody?.content["application/json"].example
          if (method === "post") assert.isDefined(said, path)
          const target = query.size === 0 ? path : `${path}?${query}`
          const answer = yield* send(method.toUpperCase(), target, { as: "admin", headers, body: said })
          const verdict = answer.body?._tag ?? answer.body?.[0]?.errorCode ?? "taken"
          assert.include(["taken", "SessionInaccessible", "INSUFFICIENT_ACCESS_OR_READONLY"], verdict, target)
        }
      }
    })
  )
  it.effect("D6 it has an example of every error, which a client reads back as that error", () =>
    Effect.gen(function* () {
      const { body } = yield* send("GET", "/openapi.json", { as: null })
      const seen = new Set<string>()
      for (const { examples } of problemsIn(body)) {
        for (const { value } of Object.values<any>(examples)) {
          seen.add(value._tag === "AdapterError" ? `AdapterError ${value.status}` : value._tag)
          if (value._tag !== "AdapterError") assert.strictEqual(fromProblem(value)?._tag, value._tag)
        }
      }
      for (const tag of Object.keys(rows)) assert.isTrue(seen.has(tag), tag)
      for (const status of [400, 401, 404, 405, 408, 413, 415, 429, 431, 503]) {
        assert.isTrue(seen.has(`AdapterError ${status}`), String(status))
      }
      const { responses } = body.paths["/services/data/{version}/actions/standard/{action}"].post
      const inActions = new Set<string>()
      for (const [status, { content }] of Object.entries<any>(responses)) {
        if (status === "200") continue
        const { examples } = content["application/json"]
        assert.isNotEmpty(examples, status)
        for (const { value } of Object.values<any>(examples)) {
          const { errorCode, message, reason } = value[0]
          assert.isString(message)
          inActions.add(reason ?? errorCode)
        }
      }
      const reasons = problemsIn(body).flatMap(({ examples }) =>
        Object.values<any>(examples).map((_) => _.value.reason)
      )
      for (const reason of reasons) if (reason !== undefined) assert.isTrue(inActions.has(reason), reason)
    })
  )
  it.effect(
    "D6 an example says what is really sent: the sentences of refusals that requests bring about are in the document",
    () =>
      Effect.gen(function* () {
        const { body } = yield* send("GET", "/openapi.json", { as: null })
        const sentences = new Map<string, Set<string>>()
        for (const { examples } of problemsIn(body)) {
          for (const { value } of Object.values<any>(examples)) {
            const { detail, reason, _tag, title } = value
            const key = `${_tag} ${reason}`
            sentences.set(key, (sentences.get(key) ?? new Set()).add(`${title} | ${detail}`))
          }
        }
        const { id } = yield* newSession
        const answers = [
          yield* update(id, "Start", "Inventory", { as: "nobody" }),
          yield* send("POST", `/v1/checkout-sessions/${id}/update`, { body: { expCurrentState: "Start" } }),
          yield* update("a".repeat(65), "Start", "Inventory"),
          yield* update(id, "Start", "Nowhere"),
          yield* update("none", "Start", "Inventory"),
          yield* update(id, "Start", "Complete"),
          yield* update(id, "Taxes", "Inventory"),
          yield* send("POST", `/v1/checkout-sessions/${id}/operations/none/complete`, { as: "admin" })
        ]
        yield* update(id, "Start", "Inventory")
        yield* update(id, "Inventory", "Confirm Price")
        answers.push(yield* update(id, "Inventory", "Confirm Price"))
        const seen = new Set(answers.map(({ body: { _tag } }) => _tag))
        assert.strictEqual(seen.size, answers.length)
        for (const { body: sent } of answers) {
          const known = sentences.get(`${sent._tag} ${sent.reason}`)
          assert.isTrue(known?.has(`${sent.title} | ${sent.detail}`), `${sent._tag}: ${sent.detail}`)
        }
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
      const accepted = yield* update(id, "Start", "Inventory", { headers: { prefer: "wait=1" } })
      assert.deepStrictEqual(Object.keys(accepted.body).sort(), membersOf("Updated"))
      const plain = yield* update(id, "Inventory", "Confirm Price")
      assert.deepStrictEqual(Object.keys(plain.body).sort(), [...schemas.Updated.required].sort())
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
