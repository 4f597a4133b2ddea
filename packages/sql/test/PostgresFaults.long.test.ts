/** Several engines that know nothing of each other over one PostgreSQL, and what happens to it. */
import { SqlClient } from "@effect/sql/SqlClient"
import { assert, describe, it } from "@effect/vitest"
import { Access, Carts, CheckoutEngine, CheckoutSessions, Flow } from "@onelane/checkout"
import { Address, Journal } from "@onelane/engine"
import { JournalSql } from "@onelane/sql"
import * as PostgresClient from "@onelane/sql/PostgresClient"
import * as Load from "@onelane/testkit/Load"
import { Context, Effect, Fiber, Layer, Logger, Schedule } from "effect"
import * as Postgres from "./Postgres.js"

const postgres = Postgres.forThisFile()
const place = Effect.flatMap(postgres, ({ makePlace }) => makePlace)

const store = (url: string, more: Partial<PostgresClient.PostgresOptions> = {}) =>
  Layer.fresh(JournalSql.layer.pipe(Layer.provideMerge(PostgresClient.layer({ url, ...more }))))

const engine = (url: string) =>
  CheckoutEngine.layer({ flow: Flow.any }).pipe(
    Layer.provide([store(url), Access.layerTrusted, Carts.layerTrusted]),
    Layer.build,
    Effect.map((context) => Context.get(context, CheckoutSessions.CheckoutSessions))
  )

const address = Address.make("Thing", "a")

const append = (expectedSequence: number) =>
  Effect.flatMap(Journal.Journal, (journal) =>
    journal.append([{ address, expectedSequence, events: [{}], state: expectedSequence + 1, alarmMillis: null }])
  )

const sequence = Effect.flatMap(Journal.Journal, (journal) =>
  Effect.map(journal.load(address), (row) => row?.sequence ?? 0)
)

/** Runs while somebody else holds the row of `address`. `inner` is given the process id of the backend that waits for it. */
const whileHeld = <A, E, R>(inner: (waiting: Effect.Effect<number>) => Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const { query } = yield* postgres
    const waiting = query("SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock'").pipe(
      Effect.filterOrFail((rows) => rows.length > 0),
      Effect.retry(Schedule.spaced(20)),
      Effect.map((rows) => Number(rows[0]!.pid))
    )
    const held = sql`SELECT * FROM journal_state FOR UPDATE`
    return yield* sql.withTransaction(Effect.zipRight(held, inner(Effect.orDie(waiting))))
  })

/** Cuts connections at random, from their server's side. */
const cutting = Effect.gen(function* () {
  const { query } = yield* postgres
  yield* query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE application_name = 'onelane' ORDER BY random() LIMIT 1`)
}).pipe(Effect.repeat(Schedule.spaced(100)))

const quiet = Effect.provide(Logger.remove(Logger.defaultLogger))

describe("engines that know nothing of each other over one PostgreSQL", () => {
  it.scopedLive(
    "give one linearizable history, and never wait for each other in a circle",
    () =>
      Effect.gen(function* () {
        const url = yield* place
        const doors = yield* Effect.all([engine(url), engine(url), engine(url)], { concurrency: "unbounded" })
        const outcome = yield* Load.run({ doors, callers: 48, sessions: 12, millis: 60_000, mostCalls: 3_000 })
        assert.deepStrictEqual(outcome.problems, [])
        assert.isAbove(outcome.accepted, 100)
        assert.isAbove(outcome.refused, 100)
        assert.strictEqual(outcome.notDone, 0)
        const { query } = yield* postgres
        const [found] = yield* query("SELECT sum(deadlocks) AS deadlocks FROM pg_stat_database")
        assert.strictEqual(Number(found!.deadlocks), 0)
      }),
    90_000
  )

  it.scopedLive(
    "stay so while connections are cut, and the server dies and comes back",
    () =>
      Effect.gen(function* () {
        const url = yield* place
        const doors = yield* Effect.all([engine(url), engine(url), engine(url)], { concurrency: "unbounded" })
        const { crash, start } = yield* postgres
        const cuts = yield* Effect.fork(Effect.retry(Effect.sandbox(cutting), Schedule.spaced(100)))
        yield* Effect.fork(Effect.delay(Effect.zipRight(crash, start), 3_000))
        const outcome = yield* Load.run({ doors, callers: 48, sessions: 12, millis: 9_000 })
        yield* Fiber.interrupt(cuts)
        assert.deepStrictEqual(outcome.problems, [])
        assert.isAbove(outcome.accepted, 20)
        assert.isAbove(outcome.unknown, 2)
      }).pipe(quiet),
    60_000
  )
})

describe("PostgresFaults", () => {
  it.scopedLive("servers that start together on an empty database all find their tables", () =>
    Effect.gen(function* () {
      const url = yield* place
      const starting = Array.from({ length: 6 }, () => Effect.scoped(Layer.build(store(url))))
      yield* Effect.all(starting, { concurrency: "unbounded" })
    })
  )

  it.scopedLive("a statement that takes too long is certainly not applied", () =>
    Effect.gen(function* () {
      const program = Effect.gen(function* () {
        yield* append(0)
        const failed = yield* whileHeld(() => Effect.flip(append(1)))
        assert.deepInclude(failed, { applied: "no", reason: "TIMEOUT" })
        assert.deepStrictEqual(yield* append(1), ["committed"])
      })
      yield* Effect.provide(program, store(yield* place, { statementMillis: 200 }))
    })
  )

  it.scopedLive("who waits for another writer of the same sequence is a conflict when that one commits", () =>
    Effect.gen(function* () {
      const program = Effect.gen(function* () {
        yield* append(0)
        const racing = yield* whileHeld((waiting) =>
          Effect.gen(function* () {
            const second = yield* Effect.fork(append(1))
            yield* waiting
            yield* Effect.flatMap(SqlClient, (sql) => sql`UPDATE journal_state SET sequence = 2, state = '"first"'`)
            return second
          })
        )
        assert.deepStrictEqual(yield* Fiber.join(racing), ["conflict"])
        const row = yield* Effect.flatMap(Journal.Journal, (journal) => journal.load(address))
        assert.deepStrictEqual(row, { sequence: 2, state: "first", digests: [] })
      })
      yield* Effect.provide(program, store(yield* place))
    })
  )

  it.scopedLive("an append whose connection is cut is unknown; the next one finds another connection", () =>
    Effect.gen(function* () {
      const { query } = yield* postgres
      const program = Effect.gen(function* () {
        yield* append(0)
        const failed = yield* whileHeld((waiting) =>
          Effect.gen(function* () {
            const cut = yield* Effect.fork(Effect.flip(append(1)))
            yield* query(`SELECT pg_terminate_backend(${yield* waiting})`)
            return yield* Fiber.join(cut)
          })
        )
        assert.deepInclude(failed, { applied: "unknown", reason: "DISCONNECTED" })
        assert.deepStrictEqual(yield* append(1), ["committed"])
      })
      yield* Effect.provide(program, store(yield* place))
    })
  )

  it.scopedLive("a server that falls silent is given up, and the append is unknown", () =>
    Effect.gen(function* () {
      const program = Effect.gen(function* () {
        yield* append(0)
        const [failed, pid] = yield* whileHeld((waiting) =>
          Effect.gen(function* () {
            const silent = yield* Effect.fork(Effect.flip(append(1)))
            const stopped = yield* waiting
            process.kill(stopped, "SIGSTOP")
            return [yield* Fiber.join(silent), stopped] as const
          })
        )
        assert.deepInclude(failed, { applied: "unknown", reason: "DISCONNECTED" })
        assert.strictEqual(yield* sequence, 1)
        process.kill(pid, "SIGCONT")
      })
      yield* Effect.provide(program, store(yield* place, { statementMillis: 1_000 }))
    })
  )

  it.scopedLive("without a server nothing is applied, and nothing opens", () =>
    Effect.gen(function* () {
      const { crash, start } = yield* postgres
      const url = yield* place
      const program = Effect.gen(function* () {
        yield* append(0)
        yield* crash
        // The first call may meet the connection as it breaks.
        yield* Effect.ignore(sequence)
        assert.deepInclude(yield* Effect.flip(append(1)), { applied: "no", reason: "DISCONNECTED" })
        const refused = yield* Effect.flip(Effect.scoped(Layer.build(store(url))))
        assert.strictEqual(refused.reason, "CANNOT_OPEN")
        yield* start
        assert.deepStrictEqual(yield* append(1), ["committed"])
      })
      yield* Effect.provide(program, store(url))
    })
  )

  it.scopedLive("commits are synchronous although the url asks for others", () =>
    Effect.gen(function* () {
      const url = (yield* place).replace("options=", `options=${encodeURIComponent("-c synchronous_commit=off ")}`)
      const shown = Effect.flatMap(
        SqlClient,
        (sql) => sql<{ readonly synchronous_commit: string }>`SHOW synchronous_commit`
      )
      assert.deepStrictEqual(yield* Effect.provide(shown, store(url)), [{ synchronous_commit: "on" }])
    })
  )
})
