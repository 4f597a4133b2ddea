/** What operators ask about sessions and the engine over HTTP: in memory, on PostgreSQL, and in a cluster of two. */

import { setTimeout } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import { postgresForThisFile } from "@onelane/testkit/PostgresForFile"
import { Effect } from "effect"
import { call } from "./Call.js"
import { serving } from "./Serving.js"

const tokens = {
  operator: { userId: "olga", roles: ["modify-all-data"] },
  worker: { userId: "worker", roles: ["commerce-integrator"] },
  ann: { userId: "ann", roles: ["buyer-checkout"] },
  bob: { userId: "bob", roles: ["buyer-checkout"] },
  stranger: { userId: "eve", roles: ["buyer-checkout"] }
}

const seed = {
  users: [{ id: "ann" }, { id: "bob" }, { id: "worker" }],
  stores: ["s"],
  accounts: [{ id: "a", users: ["ann", "bob", "worker"], stores: ["s"] }],
  carts: Array.from({ length: 8 }, (_, index) => ({
    id: `cart-${index}`,
    storeId: "s",
    accountId: "a",
    ownerId: "ann"
  }))
}

const flow = fileURLToPath(new URL("programs/flow.json", import.meta.url))
const args = ["--flow", flow, "--seed", JSON.stringify(seed)]

const admin = (url: string, name: string, body: object = {}, token = "operator") =>
  call(url, token, "POST", `/admin/v1/${name}`, body)

const done = async (url: string, name: string, body: object = {}) => {
  const { body: answer, status, text } = await admin(url, name, body)
  assert.strictEqual(status, 200, `${name}: ${text}`)
  return answer
}

const open = async (url: string, cartId: string): Promise<string> =>
  (await call(url, "ann", "POST", "/v1/checkout-sessions", { cartId })).body.session.id

const update = (url: string, token: string, id: string, from: string, to: string) =>
  call(url, token, "POST", `/v1/checkout-sessions/${id}/update`, { expCurrentState: from, nextState: to })

/** Lists are written behind the commits, within a second. */
const until = async <A>(look: () => Promise<A>, isSo: (found: A) => boolean): Promise<A> => {
  for (let tries = 0; tries < 100; tries++) {
    const found = await look()
    if (isSo(found)) return found
    await setTimeout(50)
  }
  return assert.fail("it never came to be")
}

const postgres = postgresForThisFile()

/** Servers on the same storage, the same one twice where there is one only. */
const places: ReadonlyArray<
  readonly [string, (test: (urls: readonly [string, string]) => Promise<void>) => Effect.Effect<void, unknown>]
> = [
  ["in memory", (test) => serving(tokens, (url) => test([url, url]), args)],
  [
    "on PostgreSQL",
    (test) => onPostgres((storage) => serving(tokens, (url) => test([url, url]), [...args, "--storage", storage]))
  ],
  [
    "in a cluster of two",
    (test) =>
      onPostgres((storage) => {
        const node = [...args, "--storage", storage, "--cluster", "127.0.0.1:0"]
        const second = (url: string) =>
          Effect.runPromise(serving(tokens, (other) => test([url, other]), node) as Effect.Effect<void>)
        return serving(tokens, second, node)
      })
  ]
]

const onPostgres = (test: (storage: string) => Effect.Effect<void, unknown>) =>
  Effect.flatMap(
    Effect.suspend(() => postgres().makePlace),
    test
  )

for (const [where, on] of places)
  describe(`the operators' sessions ${where}`, { timeout: 120_000 }, () => {
    it.live("M13 M14 a lost call is told with who, what it expected, what was true and who won, by every server", () =>
      on(async ([left, right]) => {
        // In a cluster the second node joins while the first one serves.
        await until(
          () => done(right, "engine.stats"),
          ({ cluster }) => cluster === null || (cluster.nodes === (left === right ? 1 : 2) && cluster.heldShards > 0)
        )
        const id = await open(left, "cart-0")
        const won = await update(left, "ann", id, "Basket", "Price")
        assert.strictEqual(won.status, 200, won.text)
        const lost = await update(right, "bob", id, "Basket", "Price")
        assert.strictEqual(lost.status, 409, lost.text)
        const inputs = [{ checkoutSessionId: id, expCurrentState: "Basket", nextState: "Price" }]
        const action = "/services/data/v62.0/actions/standard/updateCheckoutSessionAction"
        assert.strictEqual((await call(left, "bob", "POST", action, { inputs })).status, 409)
        assert.strictEqual((await update(left, "stranger", id, "Basket", "Price")).status, 400)
        const inspected = await until(
          () => done(right, "sessions.inspect", { checkoutSessionId: id }),
          ({ missing, rings }) => missing.length === 0 && rings.length === (left === right ? 1 : 2)
        )
        assert.deepInclude(inspected.session, { id, state: won.body.session.state, version: won.body.session.version })
        const attempts = inspected.rings.flatMap(({ attempts }: { attempts: ReadonlyArray<object> }) => attempts)
        assert.deepStrictEqual(
          attempts.map(({ action, by, code, tag }: any) => [action, by, tag, code]),
          [
            ["update", "bob", lost.body._tag, lost.body.code],
            ["update", "bob", lost.body._tag, lost.body.code],
            ["update", "eve", "SessionInaccessible", "INSUFFICIENT_ACCESS_OR_READONLY"]
          ]
        )
        assert.deepStrictEqual(attempts[0].expected, { state: "Basket", version: null, operationId: null })
        assert.strictEqual(attempts[0].next, "Price")
        assert.deepStrictEqual(attempts[0].current, lost.body.current)
        assert.strictEqual(attempts[0].current.lastRequestId, won.body.requestId)
        assert.lengthOf(inspected.rings, left === right ? 1 : 2)
        for (const { attempts, dropped, kept, node, since } of inspected.rings) {
          assert.match(node, /^127\.0\.0\.1:\d+$/)
          assert.deepStrictEqual([kept, dropped], [attempts.length, 0])
          assert.isBelow(Date.parse(since), Date.parse(inspected.asOf))
        }
        assert.strictEqual(
          new Set(inspected.rings.map(({ node }: { node: string }) => node)).size,
          inspected.rings.length
        )
      })
    )

    it.live(
      "M9 M15 the list shows what runs and who claimed it, first what needs attention; a page seen is not sent again",
      () =>
        on(async ([url]) => {
          const ids: Array<string> = []
          for (let index = 0; index < 4; index++) ids.push(await open(url, `cart-${index}`))
          const claimed = (await update(url, "ann", ids[1]!, "Basket", "Price")).body.session
          assert.isTrue(claimed.isProcessing)
          const failed = (await update(url, "bob", ids[2]!, "Basket", "Price")).body.session
          const path = `/v1/checkout-sessions/${ids[2]}/operations/${failed.operationId}/fail`
          assert.strictEqual((await call(url, "worker", "POST", path, { code: "NO" })).status, 200)
          await call(url, "operator", "POST", `/v1/checkout-sessions/${ids[3]}/cancel`, { reason: "by hand" })
          const wanted = { order: "attention", archived: true }
          const page = await until(
            () => done(url, "sessions.list", wanted),
            ({ sessions }) =>
              sessions.length === 4 && sessions[3].status === "closed" && sessions[0].status === "failed"
          )
          assert.deepStrictEqual(
            page.sessions.map(({ checkoutSessionId, status }: any) => [checkoutSessionId, status]),
            [
              [ids[2], "failed"],
              [ids[1], "running"],
              [ids[0], "waiting"],
              [ids[3], "closed"]
            ]
          )
          assert.deepInclude(page.sessions[1].operation, {
            operationId: claimed.operationId,
            by: "ann",
            nextState: claimed.nextState
          })
          assert.isAbove(Date.parse(page.sessions[1].operation.deadlineAt), Date.parse(page.asOf))
          const again = await done(url, "sessions.list", { ...wanted, seen: page.tag })
          assert.deepInclude(again, { sessions: null, next: null, tag: page.tag })
          await until(
            () => done(url, "sessions.list", { only: "stuck", stuckMillis: 1 }),
            ({ sessions }) => sessions.length === 1 && sessions[0].checkoutSessionId === ids[1]
          )
          const counts = await done(url, "sessions.counts", { stuckMillis: 1 })
          assert.deepInclude(counts, { failed: 1, stuck: 1, running: 1, live: 3, atMost: 10_000 })
          const { operation } = await done(url, "sessions.inspect", { checkoutSessionId: ids[1] })
          assert.deepInclude(operation, { operationId: claimed.operationId, by: "ann", isOverdue: false })
          assert.strictEqual(operation.workKey, claimed.workKey)
          const history = (await call(url, "operator", "GET", `/v1/checkout-sessions/${ids[3]}/history`)).body.entries
          assert.deepInclude(history.at(-1), { type: "Cancelled", by: "olga", reason: "by hand" })
        })
    )

    it.live("M16 the engine tells its flow, and what it has counted, by cause", () =>
      on(async ([url]) => {
        const before = await done(url, "engine.stats")
        const id = await open(url, "cart-0")
        const path = `/v1/checkout-sessions/${id}/cancel`
        await call(url, "operator", "POST", path, { expectedVersion: 9 })
        await call(url, "operator", "POST", path)
        const after = await done(url, "engine.stats")
        assert.strictEqual(after.startedAt, before.startedAt)
        assert.isAtLeast(Date.parse(after.at), Date.parse(before.at))
        assert.isAtLeast(after.accepted - before.accepted, 1)
        const { ExpectedStateMismatch = 0 } = before.refusals
        assert.strictEqual(after.refusals.ExpectedStateMismatch - ExpectedStateMismatch, 1)
        assert.isAbove(after.commits.count, before.commits.count)
        for (const { bounds, counts } of [after.commits.sizes, after.commits.durations, after.http.durations])
          assert.lengthOf(counts, bounds.length + 1)
        const { edges, ...told } = await done(url, "engine.flow")
        const states = ["Basket", "Price", "Pay", "Receipt"]
        assert.deepInclude(told, {
          name: "shop",
          version: 1,
          initial: "Basket",
          states,
          finals: ["Receipt"],
          keepsData: true
        })
        assert.deepStrictEqual(told.tasks, ["Price", "Pay"])
        assert.deepInclude(edges, { Basket: ["Price"], Pay: ["Receipt", "Basket"], Receipt: [] })
        assert.sameMembers(edges.Error, states)
      })
    )
  })

describe("the operators' sessions, refused", { timeout: 60_000 }, () => {
  it.live("M2 whoever is no operator sees nothing of sessions, attempts and numbers", () =>
    serving(
      tokens,
      async (url) => {
        const id = await open(url, "cart-0")
        for (const token of ["ann", "worker", "stranger"])
          for (const name of ["sessions.list", "sessions.counts", "sessions.inspect", "engine.stats", "engine.flow"]) {
            const { body, status } = await admin(url, name, { checkoutSessionId: id }, token)
            assert.deepInclude({ ...body, status }, { status: 400, _tag: "ActionNotPermitted" })
          }
      },
      args
    )
  )

  it.live("M3 M14 what is not there, malformed or a cursor of another list is refused, and nothing is shown", () =>
    serving(
      tokens,
      async (url) => {
        const cases: ReadonlyArray<readonly [string, object, string, ReadonlyArray<string>?]> = [
          ["sessions.inspect", { checkoutSessionId: "none" }, "SessionInaccessible"],
          ["sessions.inspect", { checkoutSessionId: "no id" }, "InvalidInput", ["checkoutSessionId"]],
          ["sessions.inspect", {}, "InvalidInput", ["checkoutSessionId"]],
          ["sessions.list", { order: "attention", after: "cs_1" }, "InvalidInput", ["after"]],
          ["sessions.list", { search: "a", after: "cs_1" }, "InvalidInput", ["after"]],
          ["sessions.list", { order: "size" }, "InvalidInput", ["order"]],
          ["sessions.list", { only: "lost" }, "InvalidInput", ["only"]],
          ["sessions.list", { states: [] }, "InvalidInput", ["states"]],
          ["sessions.list", { states: ["x".repeat(31)] }, "InvalidInput", ["states"]],
          ["sessions.list", { search: "" }, "InvalidInput", ["search"]],
          ["sessions.list", { search: "x".repeat(129) }, "InvalidInput", ["search"]],
          ["sessions.list", { stuckMillis: 0 }, "InvalidInput", ["stuckMillis"]],
          ["sessions.counts", { limit: 5 }, "InvalidInput", ["limit"]],
          ["engine.stats", { since: 5 }, "InvalidInput", ["since"]]
        ]
        for (const [name, input, tag, fields] of cases) {
          const { body, status, text } = await admin(url, name, input)
          assert.deepInclude({ ...body, status }, { status: 400, _tag: tag, applied: "no" }, `${name} ${text}`)
          if (fields !== undefined) assert.deepStrictEqual(body.fields, fields)
        }
      },
      args
    )
  )
})
