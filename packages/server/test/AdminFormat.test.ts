/** The admin format of a whole server: what an operator may do, and what everybody else is told. */
import { readFileSync } from "node:fs"
import { connect } from "node:net"
import { setTimeout } from "node:timers/promises"
import { assert, describe, it } from "@effect/vitest"
import { Validator } from "@seriousme/openapi-schema-validator"
import { Effect, Either, Fiber, Queue } from "effect"
import * as Admin from "../src/operations/Admin.js"
import { serve } from "../src/serve/Serve.js"
import * as ServeConfig from "../src/settings/ServeConfig.js"
import { call as request } from "./Call.js"

const tokens = {
  operator: { userId: "operator", roles: ["modify-all-data"] },
  integrator: { userId: "integrator", roles: ["commerce-integrator"] },
  alice: { userId: "alice", roles: ["buyer-checkout"] }
}

const limits = { bodyMaxBytes: 2_000, jsonMaxDepth: 4 }

const config = Either.getOrThrow(
  ServeConfig.parse(
    ["--storage", ":memory:", "--port", "0", "--api-keys", "--log-level", "error"].concat(
      ["--tokens", JSON.stringify(tokens)],
      ["--limits", JSON.stringify(limits)]
    ),
    {},
    (path) => readFileSync(path, "utf8")
  )
)

/** A server of a test's own, and one way to call it. */
const on = (test: (url: string) => Promise<void>) =>
  Effect.gen(function* () {
    const urls = yield* Queue.unbounded<string>()
    const serving = yield* Effect.fork(serve(config, (url) => Queue.offer(urls, url)))
    const url = yield* Effect.raceFirst(Queue.take(urls), Fiber.join(serving))
    yield* Effect.ensuring(
      Effect.promise(() => test(url)),
      Fiber.interrupt(serving)
    )
  })

const does = (url: string, name: string, body?: object, token: string | null = "operator") =>
  request(url, token, "POST", Admin.prefix + name, body)

/** What an operation gives, when it is done. */
const done = async (url: string, name: string, body?: object) => {
  const { body: answer, status, text } = await does(url, name, body)
  assert.strictEqual(status, 200, `${name}: ${text}`)
  return answer
}

const refused = (answer: Awaited<ReturnType<typeof request>>, status: number, expected: object) => {
  assert.strictEqual(answer.status, status, answer.text)
  assert.match(answer.headers["content-type"]!, /^application\/problem\+json/)
  assert.strictEqual(answer.headers["cache-control"], "no-store")
  assert.deepInclude(answer.body, { status, applied: "no", ...expected })
}

/** Lists are written behind the commits, within a second. */
const until = async (isSo: () => Promise<boolean>): Promise<void> => {
  for (let tries = 0; tries < 100; tries++) {
    if (await isSo()) return
    await setTimeout(50)
  }
  assert.fail("it never came to be")
}

/** Bytes as they are, and the status they are answered with. */
const raw = (url: string, bytes: string): Promise<number> =>
  new Promise((resolve) => {
    const socket = connect(Number(new URL(url).port), "127.0.0.1")
    let text = ""
    socket.on("data", (chunk) => (text += chunk))
    socket.on("close", () => resolve(Number(text.split(" ")[1])))
    socket.write(bytes)
  })

describe("the admin format", { timeout: 60_000 }, () => {
  it.live("M1 admin requests have the same checks and limits as all others", () =>
    on(async (url) => {
      const post = (name: string, lines: ReadonlyArray<string>, body: string) =>
        raw(
          url,
          [`POST ${Admin.prefix}${name} HTTP/1.1`, "Host: x", "Connection: close", "Authorization: Bearer operator"]
            .concat(lines, `Content-Length: ${Buffer.byteLength(body)}`, "", body)
            .join("\r\n")
        )
      const json = "Content-Type: application/json"
      const user = (padding: number) => `{"id": "ann"${" ".repeat(padding)}}`
      assert.strictEqual(await post("users.put", [json], user(0)), 200)
      assert.strictEqual(await post("users.put", [json], user(limits.bodyMaxBytes - user(0).length)), 200)
      assert.strictEqual(await post("users.put", [json], user(limits.bodyMaxBytes - user(0).length + 1)), 413)
      assert.strictEqual(await post("users.put", [json], '{"id": "ann", "roles": [[[[]]]]}'), 400)
      refused(await does(url, "users.put", { id: "ann", roles: [[[[]]]] }), 400, { code: "LIMIT_EXCEEDED" })
      assert.strictEqual(await post("users.put", ["Content-Type: text/plain"], user(0)), 415)
      assert.strictEqual(await post("users.put", [], user(0)), 415)
      assert.strictEqual(await post("users.put", [json], "[]"), 400)
      assert.strictEqual(await post("users.put", [json], "{"), 400)
      assert.strictEqual(await post("users.list", [], ""), 200)
      assert.strictEqual(await post("users.put", [], ""), 400)
      refused(await does(url, "users.list", {}, null), 401, { code: "INVALID_SESSION_ID" })
      refused(await does(url, "nothing", {}, null), 401, { code: "INVALID_SESSION_ID" })
    })
  )

  it.live("M2 only operators may call; others get the same refusal for every operation and input", () =>
    on(async (url) => {
      for (const name of Object.keys(Admin.operations)) {
        for (const token of ["alice", "integrator"]) {
          for (const body of [{}, { id: 5, nonsense: true }]) {
            refused(await does(url, name, body, token), 400, { _tag: "ActionNotPermitted", code: "BAD_REQUEST" })
          }
        }
        const other = await request(url, "alice", "GET", Admin.prefix + name)
        refused(other, 405, { code: "METHOD_NOT_ALLOWED" })
        assert.strictEqual(other.headers.allow, "POST")
      }
      for (const name of [
        "",
        "users",
        "users.put/",
        "Users.put",
        "users.drop",
        "__proto__",
        "toString",
        "users%2Eput"
      ]) {
        for (const token of ["alice", "operator"]) refused(await does(url, name, {}, token), 404, { code: "NOT_FOUND" })
      }
      assert.deepStrictEqual((await done(url, "users.list")).entries, [])
    })
  )

  it.live("M3 missing, wrong and unknown inputs are named, and no value is repeated", () =>
    on(async (url) => {
      const cases: ReadonlyArray<readonly [string, object, string, ReadonlyArray<string>]> = [
        ["users.put", {}, "REQUIRED_FIELD_MISSING", ["id"]],
        ["users.put", { id: null }, "REQUIRED_FIELD_MISSING", ["id"]],
        ["users.put", { id: "secret", roles: ["king"] }, "INVALID_INPUT", ["roles"]],
        ["users.put", { id: "" }, "INVALID_INPUT", ["id"]],
        ["users.put", { id: "secret".repeat(50) }, "INVALID_INPUT", ["id"]],
        ["users.put", { id: "ann", ["x".repeat(100)]: "secret" }, "INVALID_INPUT", ["x".repeat(64)]],
        ["carts.put", { id: "c", status: "secret" }, "REQUIRED_FIELD_MISSING", ["storeId", "accountId", "ownerId"]],
        ["keys.create", { userId: "ann", expiresInMillis: 0 }, "INVALID_INPUT", ["expiresInMillis"]],
        ["users.list", { limit: 1_001 }, "INVALID_INPUT", ["limit"]],
        ["users.list", { limit: 0 }, "INVALID_INPUT", ["limit"]],
        ["sessions.list", { archived: "secret" }, "INVALID_INPUT", ["archived"]]
      ]
      for (const [name, body, code, fields] of cases) {
        const answer = await does(url, name, body)
        refused(answer, 400, { _tag: "InvalidInput", code, reason: code })
        assert.sameMembers(answer.body.fields, [...fields], JSON.stringify(body))
        assert.notInclude(answer.text, "secret")
      }
      assert.strictEqual((await does(url, "users.put", { id: "i".repeat(255), roles: null })).status, 200)
      assert.strictEqual((await does(url, "users.list", { limit: 1_000 })).status, 200)
    })
  )

  it.live("M3 the error says what each wrong input must be, with its range", () =>
    on(async (url) => {
      const id = "text of 1 to 255 characters, none of them a control character"
      const roles = "a list of at most 3 of: modify-all-data, commerce-integrator, buyer-checkout"
      const cases: ReadonlyArray<readonly [string, object, string]> = [
        ["users.list", { limit: 0 }, "limit must be a whole number from 1 to 1,000."],
        ["users.list", { limit: 1_001 }, "limit must be a whole number from 1 to 1,000."],
        ["users.list", { limit: 1.5 }, "limit must be a whole number from 1 to 1,000."],
        ["users.list", { limit: "7" }, "limit must be a whole number from 1 to 1,000."],
        ["users.list", { after: "x".repeat(256) }, "after must be text of at most 255 characters."],
        [
          "sessions.list",
          { limit: -1, archived: 1 },
          "limit must be a whole number from 1 to 1,000; archived must be true or false."
        ],
        ["users.put", { id: "" }, `id must be ${id}.`],
        ["users.put", { id: "a\u0000b" }, `id must be ${id}.`],
        ["users.put", { id: 5 }, `id must be ${id}.`],
        ["users.put", { id: "ann", roles: ["king", "queen"] }, `roles must be ${roles}.`],
        ["users.put", { id: "ann", roles: Array(4).fill("buyer-checkout") }, `roles must be ${roles}.`],
        ["users.put", { id: "ann", roles: Array(65).fill("king") }, "roles must be a list of at most 64."],
        ["users.put", { id: "ann", rolls: [] }, "rolls is not known here."],
        ["accounts.put", { id: "acme", active: "yes" }, "active must be true or false."],
        [
          "carts.put",
          { id: "c", storeId: "s", accountId: "a", ownerId: "o", status: "Lost" },
          "status must be one of: Active, Checkout, Processing, PendingClosed, Closed, PendingDelete."
        ],
        ["keys.create", { userId: "u", label: "x".repeat(256) }, "label must be text of at most 255 characters."],
        [
          "keys.create",
          { userId: "u", expiresInMillis: 0 },
          "expiresInMillis must be a whole number from 1 to 3,155,760,000,000."
        ],
        [
          "keys.create",
          { userId: "u", expiresInMillis: 1e300 },
          "expiresInMillis must be a whole number from 1 to 3,155,760,000,000."
        ],
        [
          "sessions.prune",
          { archivedBefore: "yesterday" },
          "archivedBefore must be an instant in UTC, such as 2026-01-31T00:00:00.000Z."
        ],
        ["backups.create", { name: 7 }, "name must be text."]
      ]
      for (const [name, body, detail] of cases) {
        const answer = await does(url, name, body)
        refused(answer, 400, { _tag: "InvalidInput", detail })
      }
      const { body: document } = await request(url, null, "GET", "/openapi.json")
      for (const name of Object.keys(Admin.operations)) {
        const { example, schema } = document.paths[Admin.prefix + name].post.requestBody.content["application/json"]
        for (const field of Object.keys(schema.properties ?? {})) {
          const { body } = await does(url, name, { ...example, [field]: { odd: "secret" } })
          assert.match(body.detail, new RegExp(`^${field} must be [^{]+\\.$`), name)
        }
      }
    })
  )

  it.live("M4 M5 M6 directory: put and remove are idempotent, memberships need both ends, lists have pages", () =>
    on(async (url) => {
      for (const _ of ["once", "again"]) {
        assert.deepStrictEqual(await done(url, "users.put", { id: "ann", roles: ["buyer-checkout"] }), {})
        await done(url, "users.put", { id: "bob" })
        await done(url, "accounts.put", { id: "acme" })
        await done(url, "stores.put", { id: "store" })
        await done(url, "account-members.put", { accountId: "acme", userId: "ann" })
        await done(url, "account-members.put", { accountId: "acme", userId: "bob" })
        await done(url, "store-members.put", { storeId: "store", accountId: "acme" })
        await done(url, "carts.put", { id: "cart", storeId: "store", accountId: "acme", ownerId: "ann" })
      }
      for (const [name, body, field] of [
        ["account-members.put", { accountId: "none", userId: "ann" }, "accountId"],
        ["account-members.put", { accountId: "acme", userId: "none" }, "userId"],
        ["store-members.put", { storeId: "none", accountId: "acme" }, "storeId"]
      ] as const) {
        refused(await does(url, name, body), 400, { _tag: "InvalidInput", fields: [field] })
      }
      const page = await done(url, "users.list", { limit: 1 })
      const next = await done(url, "users.list", { after: page.entries[0].id, limit: 2 })
      assert.deepStrictEqual(
        [...page.entries, ...next.entries],
        [
          { id: "ann", roles: ["buyer-checkout"] },
          { id: "bob", roles: [] }
        ]
      )
      const members = await done(url, "account-members.list", { after: "acme", afterMember: "ann" })
      assert.deepStrictEqual(members.entries, [{ accountId: "acme", userId: "bob" }])
      assert.deepStrictEqual((await done(url, "carts.list")).entries, [
        { id: "cart", storeId: "store", accountId: "acme", ownerId: "ann", status: "Active" }
      ])
      for (const _ of ["once", "again"]) {
        assert.deepStrictEqual(await done(url, "accounts.remove", { id: "acme" }), {})
        await done(url, "carts.remove", { id: "cart" })
      }
      for (const name of ["accounts.list", "account-members.list", "store-members.list", "carts.list"]) {
        assert.deepStrictEqual((await done(url, name)).entries, [], name)
      }
    })
  )

  it.live("M7 M8 M9 a key is shown once, a revoked key ends at once, and sessions are listed", () =>
    on(async (url) => {
      await done(url, "users.put", { id: "bot" })
      await done(url, "accounts.put", { id: "acme" })
      await done(url, "stores.put", { id: "store" })
      await done(url, "store-members.put", { storeId: "store", accountId: "acme" })
      for (const id of ["cart-1", "cart-2"])
        await done(url, "carts.put", { id, storeId: "store", accountId: "acme", ownerId: "bot" })
      const { key, token } = await done(url, "keys.create", { userId: "bot", roles: ["commerce-integrator"] })
      const listed = await does(url, "keys.list")
      assert.deepStrictEqual(listed.body, { keys: [key] })
      assert.notInclude(listed.text, token.split("_")[2])
      assert.notInclude(listed.text, "digest")
      const ids = []
      for (const cartId of ["cart-1", "cart-2"]) {
        const opened = await request(url, token, "POST", "/v1/checkout-sessions", { cartId })
        assert.strictEqual(opened.status, 201, opened.text)
        ids.push(opened.body.session.id)
      }
      await until(async () => (await done(url, "sessions.list")).sessions.length === 2)
      const first = await done(url, "sessions.list", { limit: 1 })
      const idOf = (page: { sessions: ReadonlyArray<{ checkoutSessionId: string }> }) =>
        page.sessions[0]!.checkoutSessionId
      assert.strictEqual(first.next, idOf(first))
      const second = await done(url, "sessions.list", { limit: 2, after: first.next })
      assert.deepStrictEqual([idOf(first), idOf(second), second.next], [...ids.sort(), null])
      await request(url, token, "POST", `/v1/checkout-sessions/${ids[0]}/cancel`)
      await until(async () => (await done(url, "sessions.list")).sessions.length === 1)
      assert.strictEqual(idOf(await done(url, "sessions.list", { limit: 1 })), ids[1])
      assert.lengthOf((await done(url, "sessions.list", { archived: true })).sessions, 2)
      assert.deepStrictEqual(await done(url, "keys.revoke", { id: key.id }), { revoked: true })
      assert.strictEqual((await request(url, token, "GET", `/v1/checkout-sessions/${ids[1]}`)).status, 401)
      assert.deepStrictEqual(await done(url, "keys.revoke", { id: key.id }), { revoked: false })
      assert.deepStrictEqual(await done(url, "keys.revoke", { id: "none" }), { revoked: false })
    })
  )

  it.live("D1 D4 D5 D6 OpenAPI lists every operation with an example the server accepts, and has its pages", () =>
    on(async (url) => {
      const { body: document } = await request(url, null, "GET", "/openapi.json")
      assert.deepStrictEqual(await new Validator().validate(structuredClone(document)), { valid: true })
      for (const path of ["/healthz", "/readyz", "/metrics"]) {
        assert.deepStrictEqual(document.paths[path].get.security, [])
        assert.strictEqual((await request(url, null, "GET", path)).status, 200)
      }
      assert.deepStrictEqual(Object.keys(document.paths["/readyz"].get.responses).sort(), ["200", "503"])
      const examples = new Map<string, object>()
      for (const name of Object.keys(Admin.operations)) {
        const { operationId, requestBody, responses, summary } = document.paths[Admin.prefix + name].post
        assert.strictEqual(operationId, `admin.${name}`)
        assert.isString(summary)
        examples.set(name, requestBody.content["application/json"].example)
        for (const status of [400, 401, 404, 405, 408, 413, 415, 429, 431, 500, 503]) {
          assert.isNotEmpty(responses[status].content["application/problem+json"].examples, `${name} ${status}`)
        }
        const shown = Object.keys(responses[400].content["application/problem+json"].examples)
        assert.includeMembers(shown, ["ActionNotPermitted", "InvalidInput"])
      }
      // What comes into being stands first in the table, before its memberships.
      const inOrder = [...examples].sort(([a], [b]) => Number(a.includes("members")) - Number(b.includes("members")))
      for (const [name, body] of inOrder) {
        const { status, text } = await does(url, name, body)
        // In memory there is no file to copy, and no session of this id: Backup.long.test.ts and SessionAdmin.test.ts have them.
        const hasNone = name === "backups.create" || name === "sessions.inspect"
        assert.strictEqual(status, hasNone ? 400 : 200, `${name}: ${text}`)
      }
      assert.include((await request(url, null, "GET", "/docs")).text, "/admin/v1/users.put")
    })
  )
})
