// @effect-diagnostics multipleEffectProvide:off
import { existsSync, readFileSync } from "node:fs"
import { SqlClient } from "@effect/sql/SqlClient"
import { assert, describe, it } from "@effect/vitest"
import { Caller, Carts, CheckoutEngine, CheckoutSessions, Flow, Retention } from "@onelane/checkout"
import { Directory } from "@onelane/directory"
import { ApiKeysSql, DirectoryCacheSql, JournalSql, SqliteClient } from "@onelane/sql"
import { Effect, Exit, Fiber, Layer, Stream } from "effect"
import { makeDatabases, makePlaces } from "./Databases.js"
import { temporaryFile } from "./TemporaryFile.js"

const places = makePlaces()
const databases = makeDatabases(places)

// The preset with a task, and data that the schema does not look at.
const flow = Flow.withTasks(
  Flow.defineFlow({
    name: "b2b",
    initial: "Start",
    transitions: Flow.b2b.transitions,
    data: { "~standard": { version: 1, vendor: "test", validate: (value) => ({ value }) } }
  }),
  { "Order Confirmation": {} }
)

/** An engine of its own, as a server has it: on the directory in the same database. */
const engine = Layer.fresh(
  CheckoutEngine.layer({ flow }).pipe(
    Layer.provideMerge(Layer.mergeAll(JournalSql.layer, DirectoryCacheSql.layer(), ApiKeysSql.layer))
  )
)

const open = (cartId: string, ownerId: string) =>
  Effect.flatMap(CheckoutSessions.CheckoutSessions, (sessions) =>
    Effect.map(sessions.open(Caller.host, { cartId, ownerId }), ({ session }) => session)
  )

const cancelled = (cartId: string, ownerId: string) =>
  Effect.gen(function* () {
    const sessions = yield* CheckoutSessions.CheckoutSessions
    const { id: checkoutSessionId } = yield* open(cartId, ownerId)
    yield* sessions.cancel(Caller.host, { checkoutSessionId, idempotencyKey: `cancel-${cartId}` })
    return checkoutSessionId
  })

const countOf = (table: string) =>
  Effect.flatMap(SqlClient, (sql) =>
    Effect.map(sql<{ readonly rows: number }>`SELECT count(*) AS rows FROM ${sql(table)}`, ([row]) => Number(row!.rows))
  )

const counts = Effect.all([countOf("journal_state"), countOf("journal_events"), countOf("journal_keys")])

const tagOf = (checkoutSessionId: string) =>
  Effect.flatMap(CheckoutSessions.CheckoutSessions, (sessions) =>
    Effect.match(sessions.get(Caller.host, { checkoutSessionId }), {
      onSuccess: ({ state }) => state,
      onFailure: ({ _tag }) => _tag
    })
  )

/** A buyer with everything that names one: carts, sessions, tasks, keys, memberships. */
const shopping = (buyer: string) =>
  Effect.gen(function* () {
    const sessions = yield* CheckoutSessions.CheckoutSessions
    const directory = yield* Directory.Directory
    const keys = yield* ApiKeysSql.ApiKeys
    const caller = Caller.make(buyer, ["buyer-checkout"])
    yield* directory.putUser({ id: buyer, roles: ["buyer-checkout"] })
    yield* directory.putAccount({ id: "acme", active: true })
    yield* directory.putStore("store")
    yield* directory.putAccountMember("acme", buyer)
    yield* directory.putStoreMember("store", "acme")
    yield* directory.putCart({
      id: `${buyer}-cart`,
      storeId: "store",
      accountId: "acme",
      ownerId: buyer,
      status: "Active"
    })
    const key = { label: "", digest: "d", roles: [], accountId: null, createdAt: 1, expiresAt: null, revokedAt: null }
    yield* keys.add({ ...key, id: `key-of-${buyer}`, userId: buyer })
    yield* cancelled(`${buyer}-booked`, buyer)
    const idempotencyKey = `${buyer}-key`
    const data = { address: `${buyer}-street` }
    const { session } = yield* sessions.open(caller, { cartId: `${buyer}-cart`, idempotencyKey, data })
    // A second key keeps the session as it was shown, in the lane of its cart.
    yield* sessions.open(caller, { cartId: `${buyer}-cart`, idempotencyKey: `${buyer}-again` })
    const checkoutSessionId = session.id
    const states = ["Start", "Shipping Address", "Inventory", "Confirm Price"]
    for (let step = 1; step < states.length; step++) {
      const move = { checkoutSessionId, expCurrentState: states[step - 1]!, nextState: states[step]! }
      yield* sessions.update(caller, {
        ...move,
        idempotencyKey: `${buyer}-${step}`,
        data: { [`${buyer}-${step}`]: step }
      })
    }
    return checkoutSessionId
  })

for (const [where, client] of databases)
  describe(`Retention on ${where}`, () => {
    it.scoped("prune removes what was archived before, with history, keys and cart, and nothing else", () =>
      Effect.gen(function* () {
        yield* Effect.forEach(["old-1", "old-2"], (cartId) => cancelled(cartId, "ann"))
        const old = yield* cancelled("old-3", "ann")
        // The cart of the third has a new session by now.
        const again = yield* open("old-3", "ann")
        const live = yield* open("live", "ann")
        const { prune } = yield* Retention.Retention
        assert.deepStrictEqual(yield* prune({ archivedBefore: 0 }), { pruned: 0 })
        assert.deepStrictEqual(yield* prune({ archivedBefore: Number.MAX_SAFE_INTEGER }), { pruned: 3 })
        // Sessions: again and live; carts: old-3, which was named twice, and live.
        assert.deepStrictEqual(yield* counts, [4, 5, 0])
        assert.strictEqual(yield* tagOf(old), "SessionInaccessible")
        assert.strictEqual(yield* tagOf(again.id), "Start")
        assert.strictEqual((yield* open("old-3", "ann")).id, again.id)
        assert.strictEqual(yield* tagOf(live.id), "Start")
        assert.strictEqual((yield* open("old-1", "ann")).version, 1)
      }).pipe(Effect.provide(engine), Effect.provide(Layer.fresh(client)))
    )
    it.scoped(
      "erase leaves no row of an owner: sessions, events, keys, carts, the user, memberships and API keys",
      () =>
        Effect.gen(function* () {
          const { erase } = yield* Retention.Retention
          const directory = yield* Carts.Carts
          yield* shopping("bob")
          const others = yield* counts
          const id = yield* shopping("ann")
          const refused = yield* Effect.flip(erase({ ownerId: "ann" }))
          assert.deepInclude(refused, { _tag: "InvalidInput", fields: ["force"] })
          const erased = yield* erase({ ownerId: "ann", force: true })
          assert.deepInclude(erased, { sessions: 2, carts: 2, entries: 4 })
          assert.deepStrictEqual(yield* counts, others)
          assert.strictEqual(yield* tagOf(id), "SessionInaccessible")
          assert.isNull(yield* directory.find("ann-cart"))
          assert.isNotNull(yield* directory.find("bob-cart"))
          const sql = yield* SqlClient
          for (const table of [
            "users",
            "carts",
            "account_members",
            "api_keys",
            "journal_state",
            "journal_body",
            "journal_events"
          ]) {
            const rows = yield* sql`SELECT * FROM ${sql(table)}`
            assert.isFalse(JSON.stringify(rows).includes("ann"), table)
          }
          assert.deepInclude(yield* erase({ cartId: "bob-cart", force: true }), { sessions: 1, carts: 1, entries: 1 })
        }).pipe(Effect.provide(engine), Effect.provide(Layer.fresh(client)))
    )
  })

describe("Retention beside other servers", () => {
  const [, place] = places.find(([where]) => where === "PostgreSQL")!

  it.scopedLive(
    "a server that has an erased session in memory finds none, ends its streams, and opens the cart anew",
    () =>
      Effect.gen(function* () {
        const client = yield* place
        const serve = Layer.build(Layer.provide(engine, client))
        const [here, there] = [yield* serve, yield* serve]
        const { id: checkoutSessionId } = yield* Effect.provide(open("cart", "ann"), there)
        yield* Effect.gen(function* () {
          const sessions = yield* CheckoutSessions.CheckoutSessions
          const other = yield* Effect.provide(open("watched", "bob"), there)
          const watching = yield* Effect.fork(
            Effect.exit(Stream.runDrain(sessions.changes(Caller.host, { checkoutSessionId: other.id })))
          )
          yield* Effect.sleep(200)
          const { sessions: rows } = yield* Effect.gen(function* () {
            const sql = yield* SqlClient
            yield* sql`DELETE FROM journal_state WHERE kind = ${"session"} AND id = ${other.id}`
            return { sessions: yield* sql`SELECT 1 FROM journal_state WHERE id = ${other.id}` }
          }).pipe(Effect.provide(client))
          assert.lengthOf(rows, 0)
          const { erase } = yield* Effect.provide(Retention.Retention, here)
          yield* erase({ ownerId: "ann", force: true })
          const move = { checkoutSessionId, expCurrentState: "Start", nextState: "Inventory" }
          assert.strictEqual((yield* Effect.flip(sessions.update(Caller.host, move)))._tag, "SessionInaccessible")
          assert.strictEqual(yield* tagOf(checkoutSessionId), "SessionInaccessible")
          const anew = yield* open("cart", "ann")
          assert.notStrictEqual(anew.id, checkoutSessionId)
          assert.strictEqual((yield* open("cart", "ann")).id, anew.id)
          // What somebody else removed ends the streams of this server within seconds.
          const exit = yield* Fiber.join(watching)
          assert.isTrue(Exit.isFailure(exit) && JSON.stringify(exit.cause).includes("SessionInaccessible"))
        }).pipe(Effect.provide(there))
      })
  )
})

describe("the bytes of an SQLite file", () => {
  const bytesOf = (filename: string) =>
    ["", "-wal", "-shm"].flatMap((end) => (existsSync(filename + end) ? [readFileSync(filename + end)] : []))
  const holds = (filename: string, text: string) => bytesOf(filename).some((bytes) => bytes.includes(text))

  for (const by of ["owner", "cart"] as const)
    it.scoped(`hold nothing of a buyer after an erasure by ${by}, neither while the store is open nor afterwards`, () =>
      Effect.gen(function* () {
        const filename = yield* temporaryFile
        const buyer = "zz-marked-buyer"
        yield* Effect.gen(function* () {
          const { erase } = yield* Retention.Retention
          yield* shopping("somebody")
          const ids = [yield* shopping(buyer), `${buyer}-cart`, `${buyer}-booked`]
          const said = [`${buyer}-street`, `${buyer}-3`]
          for (const id of [...ids, ...said]) assert.isTrue(holds(filename, id), id)
          if (by === "owner") yield* erase({ ownerId: buyer, force: true })
          else {
            const directory = yield* Directory.Directory
            for (const cartId of ids.slice(1)) yield* erase({ cartId, force: true })
            // The user itself, with its key, is no cart's.
            yield* directory.removeUser(buyer)
            yield* Effect.flatMap(SqlClient, (sql) => sql`DELETE FROM api_keys WHERE user_id = ${buyer}`)
            yield* erase({ cartId: "none" })
          }
          for (const id of [...ids, ...said, buyer]) assert.isFalse(holds(filename, id), id)
          assert.isTrue(holds(filename, "somebody-cart"))
        }).pipe(Effect.provide(engine), Effect.provide(SqliteClient.layer({ filename })))
        assert.isFalse(holds(filename, buyer))
        assert.isTrue(holds(filename, "somebody-cart"))
      })
    )
})
