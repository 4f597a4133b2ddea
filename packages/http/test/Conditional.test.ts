/** Requests that depend on what the client saw last. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { byEveryAdapter, newSession, send, update } from "./HttpWorld.js"

const one = (id: string) => `/v1/checkout-sessions/${id}`

byEveryAdapter("conditional requests", {}, (it) => {
  it.effect("N16 If-None-Match with the present version is a 304 with the tag and no body", () =>
    Effect.gen(function* () {
      const { id } = yield* newSession
      for (const tag of ['"1"', 'W/"1"', '"7", "1"', "*"]) {
        for (const method of ["GET", "HEAD"]) {
          const seen = yield* send(method, one(id), { headers: { "if-none-match": tag } })
          assert.deepInclude({ ...seen, etag: seen.headers.etag }, { status: 304, text: "", etag: '"1"' }, tag)
        }
      }
      for (const tag of ['"2"', "1", '"1', ""]) {
        const news = yield* send("GET", one(id), { headers: { "if-none-match": tag } })
        assert.deepInclude({ ...news, etag: news.headers.etag }, { status: 200, etag: '"1"' }, tag)
      }
      yield* update(id, "Start", "Inventory")
      const changed = yield* send("GET", one(id), { headers: { "if-none-match": '"1"' } })
      assert.deepInclude({ ...changed, etag: changed.headers.etag }, { status: 200, etag: '"2"' })
      const refused = yield* send("GET", one(id), { as: "stranger", headers: { "if-none-match": "*" } })
      assert.strictEqual(refused.status, 400)
    })
  )

  it.effect("N16 a write does not look at If-None-Match, and pages of the documentation do", () =>
    Effect.gen(function* () {
      const { id } = yield* newSession
      assert.strictEqual((yield* update(id, "Start", "Inventory", { headers: { "if-none-match": "*" } })).status, 200)
      for (const path of ["/docs", "/openapi.json"]) {
        const encoding = { "accept-encoding": "identity" }
        const page = yield* send("GET", path, { as: null, headers: encoding })
        assert.match(page.headers.etag ?? "", /^"[0-9a-f]{16}"$/)
        assert.match(page.headers.vary ?? "", /accept-encoding/i)
        const headers = { ...encoding, "if-none-match": page.headers.etag! }
        assert.strictEqual((yield* send("GET", path, { as: null, headers })).status, 304)
        const packed = yield* send("GET", path, { as: null, headers: { "accept-encoding": "br, gzip;q=0.5" } })
        assert.strictEqual(packed.headers["content-encoding"], "gzip")
        assert.notStrictEqual(packed.headers.etag, page.headers.etag)
        assert.strictEqual(packed.text, page.text)
        const without = yield* send("GET", path, { as: null, headers: { "accept-encoding": "gzip;q=0, br" } })
        assert.isUndefined(without.headers["content-encoding"])
      }
    })
  )

  it.effect("N5 a weak tag in If-Match counts as the version in it", () =>
    Effect.gen(function* () {
      const { id } = yield* newSession
      const stale = yield* update(id, "Start", "Inventory", { headers: { "if-match": 'W/"7"' } })
      assert.strictEqual(stale.status, 412)
      const fresh = yield* update(id, "Start", "Inventory", { headers: { "if-match": 'W/"1"' } })
      assert.strictEqual(fresh.status, 200)
      for (const odd of ['w/"2"', "W/2", 'W/"2", "3"', '"2']) {
        const { body } = yield* update(id, "Inventory", "Start", { headers: { "if-match": odd } })
        assert.deepInclude(body, { status: 400, code: "INVALID_INPUT" }, odd)
      }
    })
  )
})
