import { assert, describe, it } from "@effect/vitest"
import { CheckoutSessions } from "@onelane/checkout"
import { Effect } from "effect"
import * as FastCheck from "effect/FastCheck"
import * as WireRequest from "../src/core/WireRequest.js"
import { type Answer, byEveryAdapter, callers, newSession, parsed, raw, send } from "./HttpWorld.js"

const head = (lines: ReadonlyArray<string>, body = "") =>
  Effect.map(raw([...lines, "Host: localhost", "Connection: close", "", body].join("\r\n")), parsed)

const buyer = "Authorization: Bearer buyer"
const json = "Content-Type: application/json"
const lengthOf = (body: string) => `Content-Length: ${Buffer.byteLength(body)}`

const problem = (answer: Answer, status: number, code: string, hint = "") => {
  assert.strictEqual(answer.status, status, hint)
  assert.match(answer.headers["content-type"] ?? "", /^application\/problem\+json/, hint)
  assert.deepInclude(answer.body, { status, code, applied: "no" }, hint)
  assert.strictEqual(answer.headers["cache-control"], "no-store")
}

const limits = { bodyMaxBytes: 1_000, jsonMaxDepth: 8 }

byEveryAdapter("what is refused before the service is asked", { limits }, (it) => {
  const post = (path: string, lines: ReadonlyArray<string>, body: string) =>
    head([`POST ${path} HTTP/1.1`, buyer, ...lines], body)
  const open = "/v1/checkout-sessions"

  it.effect("W1 paths are exact: case, slashes and escapes count", () =>
    Effect.gen(function* () {
      const { id } = yield* newSession
      const paths = ["/v1/", "/v1/Checkout-Sessions", `${open}/`, `/v1//checkout-sessions/${id}`, `${open}/${id}/`]
      for (const path of [...paths, `${open}/%zz`, `${open}/${id}/Update`, "/v1/%63heckout-sessions", `${open}/../x`]) {
        problem(yield* head([`GET ${path} HTTP/1.1`, buyer]), 404, "NOT_FOUND", path)
      }
      for (const path of ["/", "/V1/checkout-sessions", "/nothing", "/v1", "/DOCS", "/docs/"]) {
        problem(yield* head([`GET ${path} HTTP/1.1`]), 404, "NOT_FOUND", path)
      }
      assert.strictEqual((yield* head([`GET http://localhost${open}/${id} HTTP/1.1`, buyer])).status, 200)
    })
  )
  it.effect("W2 a wrong method is a 405 that names the right ones", () =>
    Effect.gen(function* () {
      const { id } = yield* newSession
      const one = `${open}/${id}`
      for (const [method, path, allow] of [
        ["GET", open, "POST"],
        ["DELETE", one, "GET"],
        ["PUT", `${one}/update`, "POST"],
        ["PATCH", one, "GET"],
        ["POST", "/openapi.json", "GET"]
      ] as const) {
        const answer = yield* head([`${method} ${path} HTTP/1.1`, buyer])
        problem(answer, 405, "METHOD_NOT_ALLOWED", `${method} ${path}`)
        assert.strictEqual(answer.headers.allow, allow)
      }
      for (const path of [one, "/openapi.json"]) {
        const asked = yield* head([`OPTIONS ${path} HTTP/1.1`, buyer])
        assert.deepInclude({ ...asked, allow: asked.headers.allow }, { status: 204, text: "", allow: "GET" })
      }
      problem(yield* head(["OPTIONS /nothing HTTP/1.1", buyer]), 404, "NOT_FOUND")
      const bare = yield* head([`HEAD ${one} HTTP/1.1`, buyer])
      assert.deepInclude({ ...bare, etag: bare.headers.etag }, { status: 200, text: "", etag: '"1"' })
    })
  )
  it.effect("W3 a body that is not announced as JSON is a 415", () =>
    Effect.gen(function* () {
      const body = '{"cartId":"c"}'
      for (const type of [
        [],
        ["Content-Type: text/plain"],
        ["Content-Type: application/x-www-form-urlencoded"],
        ["Content-Type: application/jsonp"],
        ["Content-Type: application/json; charset=latin1"],
        [json, "Content-Encoding: gzip"]
      ]) {
        problem(yield* post(open, [...type, lengthOf(body)], body), 415, "UNSUPPORTED_MEDIA_TYPE", type.join())
      }
      const fine = yield* post(open, ["Content-Type: Application/JSON; charset=UTF-8", lengthOf(body)], body)
      assert.strictEqual(fine.body._tag, "SessionInaccessible")
    })
  )
  it.effect("W4 a body that is not a JSON object is a 400 with a body of its own", () =>
    Effect.gen(function* () {
      for (const body of ["", "{", "nul", "[]", "null", '"text"', "5", '{"a":1,}', "\ufeff{}", "{}{}", "\u0000"]) {
        problem(yield* post(open, [json, lengthOf(body)], body), 400, "JSON_PARSER_ERROR", JSON.stringify(body))
      }
    })
  )
  it.effect("W5 a body over the limit is a 413, whether or not it says its length", () =>
    Effect.gen(function* () {
      const fits = JSON.stringify({ cartId: "c".repeat(980) })
      const over = JSON.stringify({ cartId: "c".repeat(988) })
      assert.deepStrictEqual([fits.length <= 1_000, over.length], [true, 1_001])
      const chunked = (body: string) => `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`
      problem(yield* post(open, [json, lengthOf(over)], over), 413, "LIMIT_EXCEEDED")
      problem(yield* post(open, [json, "Transfer-Encoding: chunked"], chunked(over)), 413, "LIMIT_EXCEEDED")
      problem(yield* post(open, [json, "Content-Length: 60000000"], over), 413, "LIMIT_EXCEEDED")
      const taken = yield* post(open, [json, "Transfer-Encoding: chunked"], chunked(fits))
      assert.strictEqual(taken.body._tag, "InvalidInput")
    })
  )
  it.effect("W6 nesting over the limit is refused before anything is parsed", () =>
    Effect.gen(function* () {
      const nested = (depth: number) => `${'{"a":'.repeat(depth - 1)}{}${"}".repeat(depth - 1)}`
      problem(yield* post(open, [json, lengthOf(nested(9))], nested(9)), 400, "LIMIT_EXCEEDED")
      problem(yield* post(open, [json, lengthOf("[".repeat(999))], "[".repeat(999)), 400, "LIMIT_EXCEEDED")
      assert.strictEqual((yield* post(open, [json, lengthOf(nested(8))], nested(8))).body._tag, "InvalidInput")
      const quoted = JSON.stringify({ cartId: `${"[{".repeat(20)}\\"` })
      assert.strictEqual((yield* post(open, [json, lengthOf(quoted)], quoted)).body._tag, "SessionInaccessible")
    })
  )
  it.effect("W7 the token comes before route, method, media type and body", () =>
    Effect.gen(function* () {
      for (const line of ["GET /v1/nothing", "PUT /v1/checkout-sessions", "POST /v1/checkout-sessions"]) {
        const missing = yield* head([`${line} HTTP/1.1`])
        problem(missing, 401, "INVALID_SESSION_ID", line)
        assert.strictEqual(missing.headers["www-authenticate"], "Bearer")
        for (const authorization of ["Bearer", "Bearer  ", "Basic YTpi", "buyer"]) {
          problem(yield* head([`${line} HTTP/1.1`, `Authorization: ${authorization}`]), 401, "INVALID_SESSION_ID")
        }
        const forged = yield* head([`${line} HTTP/1.1`, "Authorization: Bearer forged"])
        problem(forged, 401, "INVALID_SESSION_ID")
        assert.strictEqual(forged.headers["www-authenticate"], 'Bearer error="invalid_token"')
      }
      assert.strictEqual((yield* head([`GET ${open}/x HTTP/1.1`, "authorization: bearer buyer"])).status, 400)
    })
  )
  it.effect("W8 ids with NUL, CRLF, slashes or no end are refused by the rules, not by accident", () =>
    Effect.gen(function* () {
      for (const id of ["%00", "a%0d%0ab", "a%2Fb", "%E2%82%AC", "a".repeat(65), "__proto__ "]) {
        const path = `${open}/${id.replace(" ", "%20")}`
        const { status, body } = yield* head([`GET ${path} HTTP/1.1`, buyer])
        assert.deepInclude({ ...body, status }, { status: 403, _tag: "InvalidCheckoutSessionId" }, id)
      }
      for (const id of ["__proto__", "constructor", "toString"]) {
        assert.strictEqual((yield* send("GET", `${open}/${id}`)).body._tag, "SessionInaccessible")
      }
    })
  )
  it.effect("W11 every answer, in either format and of success or failure, is no-store", () =>
    Effect.gen(function* () {
      const { id } = yield* newSession
      const standard = "/services/data/v62.0/actions/standard"
      const paths = [`${open}/${id}`, `${open}/none`, `${open}/${id}/history`, "/v1/x", standard, "/services/data/x"]
      for (const as of ["buyer", null] as const) {
        for (const path of [...paths, "/nothing", "/openapi.json"]) {
          const { headers, text } = yield* send("GET", path, { as })
          assert.strictEqual(headers["cache-control"], "no-store", path)
          assert.isAbove(text.length, 0, path)
        }
      }
    })
  )
  it.effect("W9 pipelined requests are answered in their order", () =>
    Effect.gen(function* () {
      const { id } = yield* newSession
      const first = `GET ${open}/${id} HTTP/1.1\r\nHost: localhost\r\n${buyer}\r\n\r\n`
      const second = `GET /nothing HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`
      const answers = yield* raw(first + second)
      assert.match(answers, /^HTTP\/1\.1 200 OK/)
      assert.isAbove(answers.indexOf("HTTP/1.1 404 Not Found"), answers.indexOf(`"id":"${id}"`))
    })
  )
  it.effect("W10 a caller who hangs up in the middle of a body changes nothing, and the server lives on", () =>
    Effect.gen(function* () {
      const sessions = yield* CheckoutSessions.CheckoutSessions
      const { id } = yield* newSession
      const lines = [`POST ${open}/${id}/update HTTP/1.1`, buyer, json, "Content-Length: 500", "Host: localhost"]
      yield* raw(`${lines.join("\r\n")}\r\n\r\n{"expCurrentState"`).pipe(Effect.timeoutOption("100 millis"))
      assert.strictEqual((yield* sessions.get(callers.buyer, { checkoutSessionId: id })).version, 1)
      assert.strictEqual((yield* send("GET", `${open}/${id}`)).status, 200)
    })
  )
  it.effect("W1 W2 W3 W4 W5 W6 W7 hold in the standard-action format", () =>
    Effect.gen(function* () {
      const lane = "/services/data/v62.0/actions/standard"
      const path = `${lane}/checkoutSessionAction`
      const inputs = (cartId: string) => JSON.stringify({ inputs: [{ cartId }] })
      const said = (answer: Answer) => [answer.status, answer.body?.[0]?.errorCode, answer.headers["cache-control"]]
      const refused = (answer: Answer, status: number, code: string, hint?: string) => {
        assert.deepStrictEqual(said(answer), [status, code, "no-store"], hint)
        assert.match(answer.headers["content-type"]!, /^application\/json/)
        assert.deepStrictEqual(Object.keys(answer.body[0]).sort(), ["errorCode", "message"])
      }
      const body = inputs("c")
      for (const odd of [
        `${path}/`,
        `${lane}//checkoutSessionAction`,
        `${lane}/CheckoutSessionAction`,
        `${lane}/%zz`
      ]) {
        refused(yield* post(odd, [json, lengthOf(body)], body), 404, "NOT_FOUND", odd)
      }
      const wrong = yield* head([`DELETE ${path} HTTP/1.1`, buyer])
      refused(wrong, 405, "METHOD_NOT_ALLOWED")
      assert.strictEqual(wrong.headers.allow, "GET, POST")
      for (const type of [[], ["Content-Type: text/plain"], [json, "Content-Encoding: gzip"]]) {
        refused(yield* post(path, [...type, lengthOf(body)], body), 415, "UNSUPPORTED_MEDIA_TYPE")
      }
      for (const odd of ["", "{", "[]", "null", "{}", '{"inputs":[]}', '{"inputs":{}}', '{"inputs":[{}],"more":1}']) {
        refused(yield* post(path, [json, lengthOf(odd)], odd), 400, "JSON_PARSER_ERROR", odd)
      }
      const room = limits.bodyMaxBytes - inputs("").length
      const [fits, over] = [inputs("c".repeat(room)), inputs("c".repeat(room + 1))]
      refused(yield* post(path, [json, lengthOf(over)], over), 413, "LIMIT_EXCEEDED")
      assert.isFalse((yield* post(path, [json, lengthOf(fits)], fits)).body[0].isSuccess)
      const nested = (levels: number) => `{"inputs":${"[".repeat(levels - 1)}${"]".repeat(levels - 1)}}`
      refused(yield* post(path, [json, lengthOf(nested(9))], nested(9)), 400, "LIMIT_EXCEEDED")
      assert.isFalse((yield* post(path, [json, lengthOf(nested(8))], nested(8))).body[0].isSuccess)
      for (const line of [`GET ${lane}/nothing`, `PUT ${path}`, `POST ${path}`]) {
        refused(yield* head([`${line} HTTP/1.1`]), 401, "INVALID_SESSION_ID", line)
      }
    })
  )
})

const { match, route, router } = WireRequest

describe("router", () => {
  const path = FastCheck.array(
    FastCheck.constantFrom("v1", "a", ".", "a.b", "", "%20", "%zz", "x?", "é", ":id", "update", "A", "a\nb"),
    { maxLength: 5 }
  ).map((segments) => segments.join("/"))
  const routes = [
    route("one", "GET", "/v1/:id/update"),
    route("two", "POST", "/v1/:id/update"),
    route("three", "GET", "/a.b/:id/:other"),
    route("four", "POST", "/v1/a/update"),
    route("five", "GET", "v1")
  ]
  const routed = router(routes)

  it.prop(
    "finds what match finds, whatever the path",
    [FastCheck.constantFrom("GET", "HEAD", "POST", "PUT"), path],
    ([method, path]) => {
      const request: WireRequest.WireRequest = { method, path, query: "", headers: {}, read: () => {} }
      assert.deepStrictEqual(routed(request), match(routes, request))
    },
    { fastCheck: { numRuns: 2_000 } }
  )
})
