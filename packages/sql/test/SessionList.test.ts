/** The operators' list of sessions: its orders, filters, pages and counts, on both kinds of database. */
import { SqlClient } from "@effect/sql/SqlClient"
import { assert, describe, it } from "@effect/vitest"
import { Access, Caller, Carts, CheckoutEngine, CheckoutSessions, Flow, Task } from "@onelane/checkout"
import { JournalSql, SessionList, SessionListSql, Statements } from "@onelane/sql"
import { Effect, Layer } from "effect"
import { makeDatabases } from "./Databases.js"

const databases = makeDatabases()

const flow = Flow.withTasks(Flow.b2b, { Inventory: {} })

// No table is written behind the commits here: the list is brought up to date by hand.
const service = CheckoutEngine.layer({ flow, custody: false }).pipe(
  Layer.provide(Layer.merge(Access.layerTrusted, Carts.layerTrusted)),
  Layer.provideMerge(Layer.merge(JournalSql.layer, SessionList.layer))
)

const everything = {
  order: "id",
  only: null,
  states: null,
  cartId: null,
  search: null,
  archived: false,
  stuckBefore: 0,
  after: "",
  limit: 100
} as const

type Wanted = Parameters<SessionList.SessionListShape["page"]>[0]

const list = (wanted: Partial<Wanted> = {}) =>
  Effect.flatMap(SessionList.SessionList, ({ page }) => page({ ...everything, ...wanted }))

/** Every page of a list, by carts; each page has at most `limit`. */
const carts = (wanted: Partial<Wanted> = {}, limit = 2) =>
  Effect.gen(function* () {
    const found: Array<string> = []
    let after: string | null = ""
    while (after !== null) {
      const page: SessionList.SessionPage = yield* list({ ...wanted, after, limit })
      assert.isAtMost(page.sessions.length, limit)
      found.push(...page.sessions.map(({ cartId }) => cartId))
      after = page.next
    }
    return found
  })

const ann = Caller.make("ann", ["modify-all-data"])

/** Writes the rows of what has changed since. */
const caughtUp = Effect.gen(function* () {
  const sql = yield* SqlClient
  yield* SessionListSql.catchUp(sql, SessionListSql.make(sql, yield* Statements.Statements))
})

/** Sessions of each kind: two failed, two stuck, one running, three waiting and two closed, with ids in the order of their names. */
const world = Effect.gen(function* () {
  const sessions = yield* CheckoutSessions.CheckoutSessions
  const sql = yield* SqlClient
  const open = (name: string) => {
    const checkoutSessionId = `s-${name}`
    return Effect.as(sessions.open(ann, { cartId: `cart-${name}`, checkoutSessionId }), checkoutSessionId)
  }
  const move = (checkoutSessionId: string, expCurrentState: string, nextState: string) =>
    sessions.update(ann, { checkoutSessionId, expCurrentState, nextState })
  const claim = (name: string) =>
    Effect.gen(function* () {
      const id = yield* open(name)
      yield* move(id, "Start", "Inventory")
      return (yield* move(id, "Inventory", "Confirm Price")).session
    })
  for (const name of ["1-waiting", "2-failed", "3-closed"]) yield* open(name)
  yield* sessions.cancel(ann, { checkoutSessionId: "s-3-closed" })
  const { operationId } = yield* Effect.map(claim("4-failed"), ({ operationId }) => ({ operationId: operationId! }))
  yield* sessions.failTask(ann, { checkoutSessionId: "s-4-failed", operationId, code: "NO" })
  for (const name of ["5-stuck", "6-stuck", "7-running"]) yield* claim(name)
  for (const name of ["8-waiting", "9-waiting", "x-closed"]) yield* open(name)
  yield* sessions.cancel(ann, { checkoutSessionId: "s-x-closed" })
  yield* move("s-2-failed", "Start", "Inventory")
  const second = yield* move("s-2-failed", "Inventory", "Confirm Price")
  yield* sessions.failTask(ann, {
    checkoutSessionId: "s-2-failed",
    operationId: second.session.operationId!,
    code: "NO"
  })
  yield* (yield* SessionList.SessionList).caughtUp
  yield* sql`UPDATE session_list SET updated_at = ${9_000} WHERE id = ${"s-7-running"}`
  // The younger one by its id has waited longer.
  yield* sql`UPDATE session_list SET updated_at = ${1_000} WHERE id = ${"s-6-stuck"}`
  yield* sql`UPDATE session_list SET updated_at = ${2_000} WHERE id = ${"s-5-stuck"}`
  return { stuckBefore: 5_000 }
})

const named = (...names: ReadonlyArray<string>) => names.map((name) => `cart-${name}`)
const attention = named(
  ...["2-failed", "4-failed", "6-stuck", "5-stuck", "7-running", "9-waiting", "8-waiting", "1-waiting"]
)

for (const [where, client] of databases)
  describe(`SessionList on ${where}`, () => {
    const layer = Layer.fresh(Layer.provideMerge(service, client))

    it.scoped("lists live sessions in the order of their ids, and closed ones where they are wanted", () =>
      Effect.gen(function* () {
        const { stuckBefore } = yield* world
        const live = ["1-waiting", "2-failed", "4-failed", "5-stuck", "6-stuck", "7-running", "8-waiting", "9-waiting"]
        assert.deepStrictEqual(yield* carts(), named(...live))
        const all = [...live.slice(0, 2), "3-closed", ...live.slice(2), "x-closed"]
        for (const limit of [1, 3, 100]) assert.deepStrictEqual(yield* carts({ archived: true }, limit), named(...all))
        assert.deepStrictEqual(yield* carts({ states: ["Start"] }), named("1-waiting", "8-waiting", "9-waiting"))
        const started = { states: ["Error", "Start"], archived: true }
        assert.deepStrictEqual(
          yield* carts(started),
          named("1-waiting", "2-failed", "3-closed", "4-failed", "8-waiting", "9-waiting", "x-closed")
        )
        assert.deepStrictEqual(yield* carts({ only: "failed" }), named("2-failed", "4-failed"))
        assert.deepStrictEqual(yield* carts({ only: "stuck", stuckBefore }), named("5-stuck", "6-stuck"))
        assert.deepStrictEqual(yield* carts({ only: "running" }), named("5-stuck", "6-stuck", "7-running"))
        assert.deepStrictEqual(yield* carts({ only: "archived" }), named("3-closed", "x-closed"))
        assert.deepStrictEqual(yield* carts({ cartId: "cart-5-stuck" }), named("5-stuck"))
        assert.deepStrictEqual(yield* carts({ cartId: "cart-3-closed" }), [])
      }).pipe(Effect.provide(layer))
    )

    it.scoped("puts failed ones first, then stuck ones, the longest first, then what runs, then the newest", () =>
      Effect.gen(function* () {
        const { stuckBefore } = yield* world
        for (const limit of [1, 2, 3, 100])
          assert.deepStrictEqual(yield* carts({ order: "attention", stuckBefore }, limit), attention)
        const all = yield* carts({ order: "attention", stuckBefore, archived: true })
        assert.deepStrictEqual(all, [...attention, ...named("x-closed", "3-closed")])
        const kinds = (wanted: Partial<Wanted>) => carts({ order: "attention", stuckBefore, ...wanted })
        assert.deepStrictEqual(yield* kinds({ only: "failed" }), attention.slice(0, 2))
        assert.deepStrictEqual(yield* kinds({ only: "stuck" }), attention.slice(2, 4))
        assert.deepStrictEqual(yield* kinds({ only: "running" }), attention.slice(2, 5))
        assert.deepStrictEqual(yield* kinds({ only: "archived" }), named("x-closed", "3-closed"))
        assert.deepStrictEqual(yield* kinds({ states: ["Inventory"] }), attention.slice(2, 5))
        assert.deepStrictEqual(yield* kinds({ states: ["Start", "Error"] }), [
          ...attention.slice(0, 2),
          ...attention.slice(5)
        ])
        assert.deepStrictEqual(yield* kinds({ cartId: "cart-7-running" }), named("7-running"))
        const { sessions } = yield* list({ order: "attention", stuckBefore, archived: true })
        assert.deepStrictEqual(
          sessions.map(({ cartId, status }) => cartId.endsWith(`-${status}`)),
          sessions.map(() => true)
        )
      }).pipe(Effect.provide(layer))
    )

    it.scoped("finds what begins with a text, ids before carts, each once, and keeps to the filters", () =>
      Effect.gen(function* () {
        const { stuckBefore } = yield* world
        const sessions = yield* CheckoutSessions.CheckoutSessions
        for (const [checkoutSessionId, cartId] of [
          ["cart-own", "other"],
          ["z-1", "cart-own"],
          ["z-2", "100%"],
          ["z-3", "100 %"],
          ["z-4", "cart-\u{1f6d2}"]
        ] as const)
          yield* sessions.open(ann, { checkoutSessionId, cartId })
        yield* caughtUp
        assert.deepStrictEqual(yield* carts({ search: "s-5" }), named("5-stuck"))
        assert.deepStrictEqual(yield* carts({ search: "cart-5" }), named("5-stuck"))
        for (const limit of [1, 2, 50])
          assert.deepStrictEqual(yield* carts({ search: "cart-o" }, limit), ["other", "cart-own"])
        assert.deepStrictEqual(yield* carts({ search: "100%" }), ["100%"])
        assert.deepStrictEqual(yield* carts({ search: "cart-\u{1f6d2}" }), ["cart-\u{1f6d2}"])
        assert.deepStrictEqual(yield* carts({ search: "CART" }), [])
        assert.deepStrictEqual(yield* carts({ search: "s-", only: "stuck", stuckBefore }), named("5-stuck", "6-stuck"))
        assert.deepStrictEqual(yield* carts({ search: "s-", only: "archived" }), named("3-closed", "x-closed"))
        assert.deepStrictEqual(yield* carts({ search: "s-", states: ["Error"] }), named("2-failed", "4-failed"))
        assert.deepStrictEqual(yield* carts({ search: "cart-3", archived: true }), named("3-closed"))
        assert.deepStrictEqual(yield* carts({ search: "cart-3" }), [])
      }).pipe(Effect.provide(layer))
    )

    it.scoped("says who claimed a session, since when, where it leads and until when", () =>
      Effect.gen(function* () {
        yield* world
        const { sessions } = yield* list({ only: "running" })
        const session = yield* Effect.flatMap(CheckoutSessions.CheckoutSessions, (_) =>
          _.get(ann, { checkoutSessionId: "s-7-running" })
        )
        const claim = {
          operationId: session.operationId!,
          by: "ann",
          claimedAt: session.updatedAt,
          nextState: "Confirm Price",
          deadlineAt: session.updatedAt + Task.defaultDeadlineMillis
        }
        assert.deepStrictEqual(sessions.at(-1)!.operation, claim)
        const { claim: claimOf } = yield* SessionList.SessionList
        assert.deepStrictEqual(yield* claimOf(session.id, session.operationId!), claim)
        const unknown = { by: null, claimedAt: null, nextState: null, deadlineAt: null }
        assert.deepStrictEqual(yield* claimOf("none", "op_none"), { operationId: "op_none", ...unknown })
      }).pipe(Effect.provide(layer))
    )

    it.scoped("counts what failed, is stuck, runs and is live", () =>
      Effect.gen(function* () {
        const { stuckBefore } = yield* world
        const { counts } = yield* SessionList.SessionList
        assert.deepStrictEqual(yield* counts(stuckBefore), { failed: 2, stuck: 2, running: 3, live: 8 })
        assert.deepInclude(yield* counts(0), { stuck: 0, running: 3 })
      }).pipe(Effect.provide(layer))
    )

    it.scoped("keeps a page within 1 and 1,000 sessions whatever is asked", () =>
      Effect.gen(function* () {
        yield* world
        assert.lengthOf((yield* list({ limit: 0 })).sessions, 1)
        assert.lengthOf((yield* list({ limit: 1e9 })).sessions, 8)
      }).pipe(Effect.provide(layer))
    )
  })
