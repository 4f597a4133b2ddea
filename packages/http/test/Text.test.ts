/** Text that is no text, on the wire: refused where it comes in, and never made by cutting. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { byEveryAdapter, newCart, newSession, parsed, raw, send } from "./HttpWorld.js"

const open = "/v1/checkout-sessions"

/** A body of bytes, whatever they are. */
const post = (path: string, body: Buffer) => {
  const head = [
    `POST ${path} HTTP/1.1`,
    "Host: a",
    "Connection: close",
    "Authorization: Bearer buyer",
    "Content-Type: application/json",
    `Content-Length: ${body.length}`
  ]
  return Effect.map(raw(Buffer.concat([Buffer.from(`${head.join("\r\n")}\r\n\r\n`), body])), parsed)
}

byEveryAdapter("text", {}, (it, adapter) => {
  it.effect("W14 a body that is not UTF-8 is refused, wherever the broken bytes stand", () =>
    Effect.gen(function* () {
      const broken = [[0xff], [0xc3], [0xc3, 0x28], [0xed, 0xa0, 0x80], [0xf8, 0x88, 0x80, 0x80, 0x80], [0xc0, 0xaf]]
      for (const bytes of broken) {
        const body = Buffer.concat([Buffer.from('{"cartId":"cart-'), Buffer.from(bytes), Buffer.from('"}')])
        const answer = yield* post(open, body)
        assert.deepInclude(answer.body, { status: 400, code: "JSON_PARSER_ERROR", applied: "no" }, `${bytes}`)
        assert.match(answer.body.detail, /UTF-8/)
      }
      const { cartId } = yield* newCart
      const whole = JSON.stringify({ cartId, idempotencyKey: "clé €😀" })
      assert.strictEqual((yield* post(open, Buffer.from(whole))).status, 201)
    })
  )

  it.effect("W14 ids and keys with control characters or half a surrogate pair are refused", () =>
    Effect.gen(function* () {
      const { id } = yield* newSession
      const update = { expCurrentState: "Start", nextState: "Inventory" }
      for (const odd of ["a\u0000", "a\n", "\u007f", "a\u0085", "\ud83d", "\ude00", "\ude00\ud83d", "a\ud83db"]) {
        for (const name of ["cartId", "idempotencyKey"]) {
          const { body } = yield* send("POST", open, { body: { cartId: "cart", [name]: odd } })
          assert.deepInclude(body, { _tag: "InvalidInput", fields: [name] }, JSON.stringify(odd))
        }
        const { body } = yield* send("POST", `${open}/${id}/update`, { body: { ...update, idempotencyKey: odd } })
        assert.deepInclude(body, { _tag: "InvalidInput", fields: ["idempotencyKey"] }, JSON.stringify(odd))
      }
    })
  )

  it.effect("W14 a query that is not percent-encoded UTF-8 is refused", () =>
    Effect.gen(function* () {
      const { id } = yield* newSession
      for (const query of ["afterVersion=%FF", "%C3=1", "limit=%ED%A0%80", "limit=%"]) {
        const { body, status } = yield* send("GET", `${open}/${id}/history?${query}`)
        assert.deepInclude({ ...body, status }, { status: 400, code: "INVALID_INPUT" }, query)
      }
      assert.strictEqual((yield* send("GET", `${open}/${id}/history?limit=%31`)).status, 200)
    })
  )

  if (adapter !== "a web handler") {
    it.effect("W14 a key in a header is ASCII", () =>
      Effect.gen(function* () {
        const { cartId } = yield* newCart
        const { body } = yield* send("POST", open, { body: { cartId }, headers: { "idempotency-key": "cl\u00e9" } })
        assert.deepInclude(body, { status: 400, code: "INVALID_INPUT", applied: "no" })
      })
    )
  }
})
