/** Stores of a format before or after this one. The rows below were written by format 1 and must open for ever. */
// @effect-diagnostics multipleEffectProvide:off
import { SqlClient } from "@effect/sql/SqlClient"
import { assert, describe, it } from "@effect/vitest"
import { Access, Caller, Carts, CheckoutEngine, CheckoutSessions } from "@onelane/checkout"
import { JournalSql } from "@onelane/sql"
import { Effect, Layer } from "effect"
import { databases } from "./Databases.js"

const keyOfOpen = { digest: "QcMSUMBhKz5zzTKfOe0MvX", input: '{"cartId":"cart-1","checkoutSessionId":"s-1"}' }
const keyOfUpdate = { digest: "6jQMKXsd929uhv7gV0v4l9", input: '["Start","Inventory"]' }
const opening = "req_1k8l0iigr2ntbfilkfh0000001"
const updating = "req_1k8l0iih82ntbfilkfh0000002"
const assigned = { ownerId: "host", accountId: null, storeId: null }
const names = { id: "s-1", cartId: "cart-1", storeId: "store", accountId: "account", ownerId: "host" }
const [openedAt, updatedAt] = [1_796_001_581_602, 1_796_001_581_608]

const session = {
  ...names,
  state: "Inventory",
  nextState: null,
  isProcessing: false,
  isError: false,
  isArchived: false,
  closedBy: null,
  operationId: null,
  workKey: null,
  orderId: null,
  version: 2,
  lastRequestId: updating,
  createdAt: openedAt,
  updatedAt,
  expiresAt: null
}

const events = [
  [
    "cart",
    "cart-1",
    1,
    { type: "Reserved", sessionId: "s-1", completed: null, assigned, use: keyOfOpen, requestId: opening }
  ],
  [
    "session",
    "s-1",
    1,
    {
      type: "Opened",
      at: openedAt,
      by: "host",
      requestId: opening,
      use: keyOfOpen,
      ...names,
      state: "Start",
      expiresAt: null
    }
  ],
  [
    "session",
    "s-1",
    2,
    {
      type: "Updated",
      archives: false,
      at: updatedAt,
      by: "host",
      requestId: updating,
      from: "Start",
      to: "Inventory",
      use: keyOfUpdate,
      owner: null
    }
  ]
] as const

const records = [
  ["cart", "cart-1", keyOfOpen.digest, 1],
  ["session", "s-1", keyOfOpen.digest, 1],
  ["session", "s-1", keyOfUpdate.digest, 2]
] as const

/** Fills a database with one session, its states said to be of `format`. */
const fill = (format: number) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const states = [
      ["cart", "cart-1", 1, { format, sessionId: "s-1", completed: null, assigned, late: [] }],
      ["session", "s-1", 2, { format, session, deadlineAt: null, workKeys: [] }]
    ] as const
    for (const [kind, id, sequence, event] of events)
      yield* sql`INSERT INTO journal_events (kind, id, sequence, events)
        VALUES (${kind}, ${id}, ${sequence}, ${JSON.stringify([event])})`
    for (const [kind, id, digest, sequence] of records)
      yield* sql`INSERT INTO journal_keys (kind, id, digest, sequence) VALUES (${kind}, ${id}, ${digest}, ${sequence})`
    for (const [kind, id, sequence, state] of states)
      yield* sql`INSERT INTO journal_state (kind, id, sequence, state, alarm_millis)
        VALUES (${kind}, ${id}, ${sequence}, ${JSON.stringify(state)}, ${null})`
  })

const service = CheckoutEngine.layer().pipe(
  Layer.provide(Layer.merge(Access.layerTrusted, Carts.layerTrusted)),
  Layer.provideMerge(JournalSql.layer)
)

const update = { checkoutSessionId: "s-1", expCurrentState: "Start", nextState: "Inventory", idempotencyKey: "k-1" }

for (const [where, client] of databases)
  describe(`StoreFormat on ${where}`, () => {
    it.scoped("a store of format 1 opens: its session goes on, and its keys are still known", () =>
      Effect.gen(function* () {
        yield* fill(1)
        const sessions = yield* CheckoutSessions.CheckoutSessions
        assert.deepStrictEqual(yield* sessions.get(Caller.host, { checkoutSessionId: "s-1" }), session)
        const again = yield* sessions.update(Caller.host, update)
        assert.deepInclude(again, { requestId: updating, replayed: true })
        const moved = yield* sessions.update(Caller.host, {
          checkoutSessionId: "s-1",
          expCurrentState: "Inventory",
          nextState: "Confirm Price"
        })
        assert.strictEqual(moved.session.version, 3)
        const opened = yield* sessions.open(Caller.host, { cartId: "cart-1" })
        assert.deepInclude(opened, { created: false })
      }).pipe(Effect.provide(Layer.fresh(service)), Effect.provide(Layer.fresh(client)))
    )

    it.scoped("a store of a newer format is refused by name, and nothing in it is changed", () =>
      Effect.gen(function* () {
        yield* fill(2)
        const sessions = yield* CheckoutSessions.CheckoutSessions
        const sql = yield* SqlClient
        for (const call of [
          Effect.asVoid(sessions.get(Caller.host, { checkoutSessionId: "s-1" })),
          Effect.asVoid(sessions.update(Caller.host, update)),
          Effect.asVoid(sessions.open(Caller.host, { cartId: "cart-1" }))
        ]) {
          const refused = yield* Effect.flip(call)
          assert.deepInclude(refused, { _tag: "StorageUnavailable", reason: "FORMAT", applied: "no" })
        }
        const rows = yield* sql<{ readonly rows: number }>`SELECT count(*) AS rows FROM journal_events`
        assert.strictEqual(Number(rows[0]!.rows), events.length)
      }).pipe(Effect.provide(Layer.fresh(service)), Effect.provide(Layer.fresh(client)))
    )
  })
