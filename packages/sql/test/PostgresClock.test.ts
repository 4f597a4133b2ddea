import { assert, describe, it } from "@effect/vitest"
import { Access, Caller, Carts, CheckoutEngine, CheckoutSessions } from "@onelane/checkout"
import { JournalSql } from "@onelane/sql"
import * as PostgresClient from "@onelane/sql/PostgresClient"
import * as StoreTime from "@onelane/testkit/StoreTime"
import { Context, Effect, Layer, Logger, Schedule } from "effect"
import * as Postgres from "./Postgres.js"

const postgres = Postgres.forThisFile()
const twoHoursMillis = 7_200_000
const anHourMillis = 3_600_000

/** An engine whose process's clock is wrong by `skewMillis`, and what it logs. */
const engine = (url: string, skewMillis: number) =>
  Effect.gen(function* () {
    const told: Array<string> = []
    const logger = Logger.make(({ annotations, message }) => {
      told.push(`${message} ${JSON.stringify(Object.fromEntries(annotations))}`)
    })
    const clock = StoreTime.skewed(yield* Effect.clock, skewMillis)
    const layer = CheckoutEngine.layer({ alarmMillis: 20 }).pipe(
      Layer.provide(Layer.mergeAll(JournalSql.layer, Access.layerTrusted, Carts.layerTrusted)),
      Layer.provide(PostgresClient.layer({ url }))
    )
    const built = Effect.provide(Layer.build(layer), Logger.replace(Logger.defaultLogger, logger))
    const context = yield* Effect.withClock(built, clock)
    return {
      told,
      sessions: Context.get(context, CheckoutSessions.CheckoutSessions),
      offsetMillis: Context.get(context, CheckoutEngine.CheckoutEngine).metrics.clockOffsetMillis
    }
  })

type Sessions = CheckoutSessions.CheckoutSessionsShape

const opened = (sessions: Sessions, cartId: string, expiresInMillis: number) =>
  Effect.map(sessions.open(Caller.host, { cartId, expiresInMillis }), ({ session }) => session)

const look = (sessions: Sessions, checkoutSessionId: string) => sessions.get(Caller.host, { checkoutSessionId })

/** Asks until the session is archived; fails when it is not within some seconds. */
const untilArchived = (sessions: Sessions, id: string) =>
  look(sessions, id).pipe(
    Effect.filterOrFail(
      ({ isArchived }) => isArchived,
      () => "live" as const
    ),
    Effect.retry(Schedule.intersect(Schedule.spaced(20), Schedule.recurs(500)))
  )

describe("one wrong clock over PostgreSQL", () => {
  for (const skewMillis of [twoHoursMillis, -twoHoursMillis])
    it.live(
      `a process ${skewMillis > 0 ? "ahead" : "behind"} by two hours archives what is over, and nothing else`,
      () =>
        Effect.gen(function* () {
          const { makePlace } = yield* postgres
          const url = yield* makePlace
          const right = yield* engine(url, 0)
          const wrong = yield* engine(url, skewMillis)
          const live = yield* opened(right.sessions, "cart-live", anHourMillis)
          const wrongly = yield* opened(wrong.sessions, "cart-wrong", anHourMillis)
          assert.isBelow(Math.abs(wrongly.createdAt - live.createdAt), 60_000)
          assert.strictEqual(wrongly.expiresAt, wrongly.createdAt + anHourMillis)
          // Each round of the wrong one after this looks at the others, too.
          const short = yield* opened(wrong.sessions, "cart-short", 200)
          const archived = yield* untilArchived(wrong.sessions, short.id)
          assert.isAtLeast(archived.updatedAt, short.expiresAt!)
          assert.isBelow(archived.updatedAt - short.expiresAt!, 10_000)
          for (const { sessions } of [right, wrong])
            for (const { id } of [live, wrongly]) assert.isFalse((yield* look(sessions, id)).isArchived)
          const moved = { checkoutSessionId: live.id, expCurrentState: "Start", nextState: "Inventory" }
          assert.strictEqual((yield* wrong.sessions.update(Caller.host, moved)).session.state, "Inventory")
          assert.isBelow(Math.abs(wrong.offsetMillis() + skewMillis), 5_000)
          assert.isBelow(Math.abs(right.offsetMillis()), 5_000)
          const lines = wrong.told.filter((line) => line.includes("clock"))
          assert.strictEqual(lines.length, 1, lines.join("\n"))
          assert.include(lines[0], `"databaseAheadSeconds":${skewMillis > 0 ? "-7" : "7"}`)
          assert.deepStrictEqual(right.told, [])
        }).pipe(Effect.scoped),
      60_000
    )

  it.live(
    "a clock that is set while the process runs archives nothing early",
    () =>
      Effect.gen(function* () {
        const { makePlace } = yield* postgres
        const url = yield* makePlace
        let jumpedMillis = 0
        const clock = yield* Effect.clock
        const jumping = {
          ...StoreTime.skewed(clock, 0),
          unsafeCurrentTimeMillis: () => clock.unsafeCurrentTimeMillis() + jumpedMillis
        }
        const { offsetMillis, sessions } = yield* Effect.withClock(engine(url, 0), jumping)
        const live = yield* opened(sessions, "cart-live", anHourMillis)
        jumpedMillis = twoHoursMillis
        const short = yield* opened(sessions, "cart-short", 200)
        yield* untilArchived(sessions, short.id)
        assert.isFalse((yield* look(sessions, live.id)).isArchived)
        assert.isBelow(Math.abs(offsetMillis() + twoHoursMillis), 5_000)
      }).pipe(Effect.scoped),
    60_000
  )
})
