/** The small client against a server whose answers the test writes: outcomes, keys, tokens, waits and what is not believed. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { connect } from "../src/index.js"
import { current, json, open, problem, session } from "./Door.js"

const retry = { baseMillis: 1, maxMillis: 5 }
const move = { checkoutSessionId: "s1", expCurrentState: "Cart", nextState: "Pay" } as const
const updated = { requestId: "req_1", replayed: false, session: session({ state: "Pay", version: 2 }) }
const mismatch = (version: number) =>
  problem("ExpectedStateMismatch", { reason: "STATE_MISMATCH", current: current(version) })

describe("the small client", () => {
  it.scopedLive("sends a lost call again under its key, and tells its answer", () =>
    Effect.gen(function* () {
      const { heard, url } = yield* open((_, response, index) =>
        index < 2 ? response.destroy() : json(response, 200, { ...updated, replayed: true })
      )
      const result = yield* Effect.promise(() => connect({ url, token: "t", retry }).update(move))
      assert.isTrue(result.ok && result.value.replayed && result.value.session.createdAt === Date.UTC(2026, 0, 31, 12))
      const keys = heard.map(({ body }) => body.idempotencyKey)
      assert.strictEqual(heard.length, 3)
      assert.strictEqual(new Set(keys).size, 1)
      assert.match(keys[0], /^client-/)
    })
  )

  it.scopedLive("never tells an unknown outcome as a no", () =>
    Effect.gen(function* () {
      const { url } = yield* open((_, response, index) =>
        index === 0 ? response.destroy() : json(response, 409, mismatch(7))
      )
      const { update } = connect({ url, token: "t", retry })
      const result = yield* Effect.promise(() => update({ ...move, idempotencyKey: "mine" }))
      assert.isFalse(result.ok)
      assert.deepInclude(result.ok ? {} : result.error, {
        _tag: "StorageUnavailable",
        reason: "OUTCOME_UNKNOWN",
        applied: "unknown",
        idempotencyKey: "mine"
      })
      assert.nestedPropertyVal(result, "error.last._tag", "ExpectedStateMismatch")
    })
  )

  it.scopedLive("takes a version that has passed for the end of a lost call", () =>
    Effect.gen(function* () {
      const { url } = yield* open((_, response, index) =>
        index === 0 ? response.destroy() : json(response, 409, mismatch(7))
      )
      const { update } = connect({ url, token: "t", retry })
      const result = yield* Effect.promise(() => update({ ...move, expectedVersion: 3 }))
      assert.nestedPropertyVal(result, "error._tag", "ExpectedStateMismatch")
    })
  )

  for (const [name, status, body] of [
    ["no JSON", 200, "<html>"],
    ["a session without a version", 200, { ...updated, session: session({ version: "2" }) }],
    ["a refusal without its session", 409, problem("ExpectedStateMismatch")],
    ["an error of somebody else", 502, { error: "bad gateway" }],
    ["a refusal that was perhaps applied", 409, problem("SessionClosed", { applied: "unknown" })]
  ] as const)
    it.scopedLive(`believes no answer that is not one: ${name}`, () =>
      Effect.gen(function* () {
        const { heard, url } = yield* open((_, response) => json(response, status, body as object))
        const { update } = connect({ url, token: "t", retry: { ...retry, limit: 2 } })
        const result = yield* Effect.promise(() => update(move))
        assert.deepInclude(result.ok ? {} : result.error, { _tag: "StorageUnavailable", applied: "unknown" })
        assert.strictEqual(heard.length, 3)
      })
    )

  it.scopedLive("asks its token function once for all calls, and once more after a 401", () =>
    Effect.gen(function* () {
      const { heard, url } = yield* open(({ headers }, response) =>
        headers.authorization === "Bearer t1"
          ? json(response, 401, problem("AdapterError", { code: "INVALID_SESSION_ID", status: 401 }))
          : json(response, 200, session())
      )
      let asked = 0
      const client = connect({ url, token: async () => `t${++asked}`, retry })
      const get = () => client.get({ checkoutSessionId: "s1" })
      const results = yield* Effect.promise(() => Promise.all([get(), get(), get()]))
      assert.isTrue(results.every(({ ok }) => ok))
      assert.strictEqual(asked, 2)
      assert.strictEqual(heard.length, 6)
    })
  )

  it.scopedLive("tells a token that stays refused, one that is none and a function that throws as what they are", () =>
    Effect.gen(function* () {
      const { heard, url } = yield* open((_, response) => json(response, 401, { message: "a gateway" }))
      const reasons: Array<string> = []
      for (const token of ["t", () => "t", () => "not a token", () => Promise.reject(new Error("secret"))]) {
        const result = yield* Effect.promise(() => connect({ url, token, retry }).get({ checkoutSessionId: "s1" }))
        if (!result.ok) reasons.push(`${result.error._tag} ${result.error.reason} ${result.error.applied}`)
        assert.notInclude(JSON.stringify(result), "secret")
      }
      const refused = "NotAuthenticated TOKEN_REFUSED no"
      const none = "NotAuthenticated TOKEN_UNAVAILABLE no"
      assert.deepStrictEqual(reasons, [refused, refused, none, none])
      assert.strictEqual(heard.length, 3)
    })
  )

  it.scopedLive("waits on through an answer that came early, and never makes an error of what was accepted", () =>
    Effect.gen(function* () {
      const running = session({ isProcessing: true, nextState: "Pay", version: 2 })
      const { heard, url } = yield* open(({ method }, response, index) => {
        if (method === "POST") return json(response, 200, { ...updated, session: running, arrived: false })
        return index < 3
          ? json(response, 503, problem("AdapterError", { code: "BUSY", status: 503 }))
          : json(response, 200, session({ state: "Pay", version: 3 }))
      })
      const { update } = connect({ url, token: "t", retry })
      const result = yield* Effect.promise(() => update(move, { wait: "screen", waitMillis: 5_000 }))
      assert.nestedPropertyVal(result, "value.arrived", true)
      assert.nestedPropertyVal(result, "value.session.version", 3)
      assert.match(heard[0]!.headers.prefer as string, /^wait=[45]/)
      assert.include(heard.at(-1)!.path, "afterVersion=2")
    })
  )

  it.scopedLive("an aborted call says whether it was sent", () =>
    Effect.gen(function* () {
      const { heard, url } = yield* open(() => {})
      const { get, update } = connect({ url, token: "t", retry })
      const before = yield* Effect.promise(() => update(move, { signal: AbortSignal.abort() }))
      assert.nestedPropertyVal(before, "error.applied", "no")
      assert.strictEqual(heard.length, 0)
      for (const [call, applied] of [
        [update, "unknown"],
        [get, "no"]
      ] as const) {
        const leaving = new AbortController()
        const answer = (call as typeof update)(move, { signal: leaving.signal })
        yield* Effect.sleep(100)
        leaving.abort()
        assert.nestedPropertyVal(yield* Effect.promise(() => answer), "error.applied", applied)
      }
    })
  )

  it("refuses options and inputs that no request can carry", async () => {
    for (const options of [
      { url: "ftp://x" },
      { token: "a b" },
      { timeoutMillis: 0 },
      { retry: { limit: Number.NaN } }
    ])
      assert.throws(() => connect({ url: "http://localhost:1", token: "t", ...options }), TypeError)
    const { get, update } = connect({ url: "http://localhost:1", token: "t", retry })
    const faults = [
      await get({} as never),
      await get({ checkoutSessionId: 7 } as never),
      await get({ checkoutSessionId: "s1" }, { wait: "screen", waitMillis: 0 }),
      await get({ checkoutSessionId: "s1" }, { waitMilis: 5 } as never),
      await update({ ...move, data: { at: new Map() as never } }),
      await update({ ...move, data: { n: Number.NaN } }),
      await update({ ...move, data: { f: undefined as never } })
    ]
    const fields = faults.map((each) => (each.ok || each.error._tag !== "InvalidInput" ? "" : each.error.fields[0]))
    assert.deepStrictEqual(fields, [
      "checkoutSessionId",
      "checkoutSessionId",
      "waitMillis",
      "waitMilis",
      "data",
      "data",
      "data"
    ])
  })

  it.scopedLive("an answer without an end is cut at its bound, and one that does not come at its time", () =>
    Effect.gen(function* () {
      const { url } = yield* open(({ path }, response) => {
        if (path.includes("slow")) return
        response.writeHead(200, { "content-type": "application/json" })
        const piece = "x".repeat(1_048_576)
        const pour = (): void => void (response.destroyed || response.write(piece, pour))
        pour()
      })
      const client = connect({ url, token: "t", timeoutMillis: 10_000, retry: { limit: 0 } })
      const long = yield* Effect.promise(() => client.get({ checkoutSessionId: "long" }))
      assert.nestedPropertyVal(long, "error.reason", "UNREADABLE_ANSWER")
      const hasty = connect({ url, token: "t", timeoutMillis: 50, retry: { limit: 0 } })
      const slow = yield* Effect.promise(() => hasty.get({ checkoutSessionId: "slow" }))
      assert.nestedPropertyVal(slow, "error.reason", "TIMEOUT")
    })
  )
})
