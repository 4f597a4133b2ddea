import { assert, describe, it } from "@effect/vitest"
import { Access, Caller, Carts, CheckoutEngine, CheckoutSessions } from "@onelane/checkout"
import { JournalSql, SessionList } from "@onelane/sql"
import { Effect, Layer } from "effect"
import { makeDatabases } from "./Databases.js"

const databases = makeDatabases()

const service = CheckoutEngine.layer().pipe(
  Layer.provide(Layer.merge(Access.layerTrusted, Carts.layerTrusted)),
  Layer.provideMerge(Layer.merge(JournalSql.layer, SessionList.layer))
)

const openAll = Effect.gen(function* () {
  const sessions = yield* CheckoutSessions.CheckoutSessions
  return yield* Effect.forEach([1, 2, 3, 4, 5], (number) =>
    Effect.map(sessions.open(Caller.host, { cartId: `cart-${number}` }), ({ session }) => session)
  )
})

for (const [where, client] of databases)
  describe(`SessionList on ${where}`, () => {
    const world = Layer.fresh(Layer.provide(service, client))

    it.scoped("pages through every session once, in order of their ids", () =>
      Effect.gen(function* () {
        const opened = yield* openAll
        const { page } = yield* SessionList.SessionList
        const first = yield* page({ after: "", limit: 3, archived: false })
        const second = yield* page({ after: first.next!, limit: 3, archived: false })
        assert.strictEqual(first.sessions.length, 3)
        assert.isNull(second.next)
        const ids = opened.map(({ id }) => id).sort()
        assert.deepStrictEqual(
          [...first.sessions, ...second.sessions].map(({ id }) => id),
          ids
        )
        assert.deepStrictEqual(
          [...first.sessions, ...second.sessions].find(({ id }) => id === opened[0]!.id),
          opened[0]
        )
      }).pipe(Effect.provide(world))
    )

    it.scoped(
      "shows archived sessions only when they are wanted; a page without any of the wanted still leads on",
      () =>
        Effect.gen(function* () {
          const opened = yield* openAll
          const sessions = yield* CheckoutSessions.CheckoutSessions
          for (const { id } of opened) yield* sessions.cancel(Caller.host, { checkoutSessionId: id })
          const { page } = yield* SessionList.SessionList
          const live = yield* page({ after: "", limit: 2, archived: false })
          assert.deepStrictEqual(live.sessions, [])
          assert.isNotNull(live.next)
          const all = yield* page({ after: "", limit: SessionList.pageSessions, archived: true })
          assert.strictEqual(all.sessions.length, 5)
          assert.isTrue(all.sessions.every(({ isArchived }) => isArchived))
        }).pipe(Effect.provide(world))
    )

    it.scoped("keeps a page within 1 and 1,000 sessions whatever is asked", () =>
      Effect.gen(function* () {
        yield* openAll
        const { page } = yield* SessionList.SessionList
        assert.strictEqual((yield* page({ after: "", limit: 0, archived: true })).sessions.length, 1)
        assert.strictEqual((yield* page({ after: "", limit: 1e9, archived: true })).sessions.length, 5)
      }).pipe(Effect.provide(world))
    )
  })
