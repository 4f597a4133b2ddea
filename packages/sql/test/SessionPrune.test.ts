// @effect-diagnostics multipleEffectProvide:off
import { SqlClient } from "@effect/sql/SqlClient"
import { assert, describe, it } from "@effect/vitest"
import { Access, Caller, Carts, CheckoutEngine, CheckoutSessions, Flow } from "@onelane/checkout"
import { JournalSql, SessionList, SessionPrune } from "@onelane/sql"
import { Effect, Either, Layer, TestClock } from "effect"
import { databases } from "./Databases.js"

const service = CheckoutEngine.layer().pipe(
  Layer.provide(Layer.merge(Access.layerTrusted, Carts.layerTrusted)),
  Layer.provideMerge(Layer.merge(JournalSql.layer, SessionList.layer))
)

const minute = 60_000

const pruneAll = (archivedBefore: number, limit: number, keepCompleted = false) =>
  Effect.iterate(
    { pruned: 0, next: "" as string | null },
    {
      while: ({ next }) => next !== null,
      body: ({ next, pruned }) =>
        Effect.map(SessionPrune.page({ archivedBefore, after: next ?? "", limit, keepCompleted }), (more) => ({
          pruned: pruned + more.pruned,
          next: more.next
        }))
    }
  )

const countOf = (table: string) =>
  Effect.flatMap(SqlClient, (sql) =>
    Effect.map(sql<{ readonly rows: number }>`SELECT count(*) AS rows FROM ${sql(table)}`, ([row]) => Number(row!.rows))
  )

const openOne = (cartId: string) =>
  Effect.flatMap(CheckoutSessions.CheckoutSessions, (sessions) =>
    Effect.map(sessions.open(Caller.host, { cartId }), ({ session }) => session)
  )

for (const [where, client] of databases)
  describe(`SessionPrune on ${where}`, () => {
    const database = Layer.fresh(client)
    const engine = Layer.fresh(service)

    it.scoped("takes away what was archived before, with its history and its cart, and nothing else", () =>
      Effect.gen(function* () {
        yield* TestClock.setTime(1_700_000_000_000)
        const opened = yield* Effect.provide(
          Effect.gen(function* () {
            const sessions = yield* CheckoutSessions.CheckoutSessions
            const cancel = ({ id }: { readonly id: string }) => sessions.cancel(Caller.host, { checkoutSessionId: id })
            const old = yield* Effect.forEach(["old-1", "old-2", "old-3"], openOne)
            const live = yield* openOne("live")
            yield* Effect.forEach(old, cancel)
            // The cart of the third has a new session by now.
            const again = yield* openOne("old-3")
            yield* TestClock.adjust(minute)
            const { session: late } = yield* cancel(yield* openOne("late"))
            return { old, live, again, late }
          }),
          engine
        )
        // PostgreSQL goes by its own time.
        const before = opened.late!.updatedAt
        assert.deepStrictEqual(yield* pruneAll(before, 2), { pruned: 3, next: null })
        assert.deepStrictEqual(yield* pruneAll(before, 1_000), { pruned: 0, next: null })
        // Sessions: live, again, late. Carts: live, old-3, late. The cart of old-3 was named twice.
        assert.strictEqual(yield* countOf("journal_state"), 6)
        assert.strictEqual(yield* countOf("journal_events"), 8)

        yield* Effect.provide(
          Effect.gen(function* () {
            const sessions = yield* CheckoutSessions.CheckoutSessions
            const gone = yield* Effect.either(sessions.get(Caller.host, { checkoutSessionId: opened.old[0]!.id }))
            assert.strictEqual(Either.isLeft(gone) && gone.left._tag, "SessionInaccessible")
            assert.deepStrictEqual(yield* sessions.get(Caller.host, { checkoutSessionId: opened.live.id }), opened.live)
            assert.strictEqual((yield* openOne("old-3")).id, opened.again.id)
            const anew = yield* openOne("old-1")
            assert.notStrictEqual(anew.id, opened.old[0]!.id)
            assert.strictEqual(anew.version, 1)
          }),
          Layer.fresh(service)
        )
      }).pipe(Effect.provide(database))
    )
  })

const completeOne = (cartId: string, orderId: string) =>
  Effect.gen(function* () {
    const sessions = yield* CheckoutSessions.CheckoutSessions
    const { session } = yield* sessions.open(Caller.host, { cartId, initialState: "Order Confirmation" })
    const checkoutSessionId = session.id
    const move = { checkoutSessionId, expCurrentState: "Order Confirmation", nextState: "Complete" }
    const { operationId } = (yield* sessions.update(Caller.host, move)).session
    yield* sessions.completeTask(Caller.host, { checkoutSessionId, operationId: operationId!, orderId })
    return checkoutSessionId
  })

const ordering = Layer.fresh(
  CheckoutEngine.layer({ flow: Flow.withTasks(Flow.b2b, { "Order Confirmation": {} }) }).pipe(
    Layer.provide(Layer.merge(Access.layerTrusted, Carts.layerTrusted)),
    Layer.provideMerge(JournalSql.layer)
  )
)

for (const [where, client] of databases)
  describe(`SessionPrune of completed carts on ${where}`, () => {
    it.scoped(
      "a cart remembers its order when it is asked to, beside an engine that is at work where others may be, and else not",
      () =>
        Effect.gen(function* () {
          const database = Layer.fresh(client)
          const run = Effect.gen(function* () {
            const sessions = yield* CheckoutSessions.CheckoutSessions
            const checkoutSessionId = yield* completeOne("kept", "order-1")
            assert.deepStrictEqual(yield* pruneAll(Number.MAX_SAFE_INTEGER, 10, true), { pruned: 1, next: null })
            return { checkoutSessionId, sessions }
          })
          const inspect = (checkoutSessionId: string) =>
            Effect.gen(function* () {
              const sessions = yield* CheckoutSessions.CheckoutSessions
              const remembered = { reason: "COMPLETED", checkoutSessionId, orderId: "order-1", current: null }
              for (let again = 0; again < 2; again++)
                assert.deepInclude(yield* Effect.flip(sessions.open(Caller.host, { cartId: "kept" })), remembered)
              assert.deepInclude(yield* Effect.flip(sessions.cancel(Caller.host, { cartId: "kept" })), remembered)
              const second = yield* sessions.open(Caller.host, { cartId: "kept", again: true })
              assert.isTrue(second.created)
              assert.isFalse((yield* sessions.open(Caller.host, { cartId: "kept" })).created)
              yield* completeOne("forgotten", "order-2")
            })
          yield* Effect.gen(function* () {
            if (where === "PostgreSQL") {
              yield* Effect.gen(function* () {
                const { checkoutSessionId } = yield* run
                yield* inspect(checkoutSessionId)
              }).pipe(Effect.provide(ordering))
            } else {
              const { checkoutSessionId } = yield* Effect.provide(run, ordering)
              yield* Effect.provide(inspect(checkoutSessionId), Layer.fresh(ordering))
            }
            assert.deepStrictEqual(yield* pruneAll(Number.MAX_SAFE_INTEGER, 10), { pruned: 1, next: null })
            const anew = Effect.flatMap(CheckoutSessions.CheckoutSessions, (sessions) =>
              sessions.open(Caller.host, { cartId: "forgotten" })
            )
            assert.isTrue((yield* Effect.provide(anew, Layer.fresh(ordering))).created)
          }).pipe(Effect.provide(database))
        })
    )
  })

describe("SessionPrune beside a server at work", () => {
  const [, client] = databases.find(([where]) => where === "PostgreSQL")!

  it.scoped("who remembers a pruned session and its cart learns that they are gone, and opens the cart anew", () =>
    Effect.gen(function* () {
      const sessions = yield* CheckoutSessions.CheckoutSessions
      const old = yield* openOne("cart")
      yield* sessions.cancel(Caller.host, { checkoutSessionId: old.id })
      const { pruned } = yield* SessionPrune.page({
        archivedBefore: Number.MAX_SAFE_INTEGER,
        after: "",
        limit: 10,
        keepCompleted: false
      })
      assert.strictEqual(pruned, 1)
      const read = yield* Effect.either(sessions.get(Caller.host, { checkoutSessionId: old.id }))
      assert.strictEqual(Either.isLeft(read) && read.left._tag, "SessionInaccessible")
      const anew = yield* openOne("cart")
      assert.notStrictEqual(anew.id, old.id)
      assert.strictEqual((yield* openOne("cart")).id, anew.id)
    }).pipe(Effect.provide(Layer.fresh(service)), Effect.provide(Layer.fresh(client)))
  )
})
