/** Three nodes and a PostgreSQL as processes, broken at random under load: one history, and it is linearizable. */
import { assert, describe, it } from "@effect/vitest"
import type { CheckoutError, CheckoutSessions } from "@onelane/checkout"
import * as Load from "@onelane/testkit/Load"
import * as PostgresServer from "@onelane/testkit/PostgresServer"
import { Effect, Exit, Fiber, Random, Schedule } from "effect"
import { type ClusterNode, start } from "./ClusterNodes.js"

type Service = CheckoutSessions.CheckoutSessionsShape

/** A run ends when enough has happened; one in which little did proves little. Longer ones are asked for from outside. */
const scale = Number(process.env.ONELANE_FAULTS_SCALE ?? 1)
const enough = { acknowledged: 1_000 * scale, refused: 200 * scale, unknown: 50 * scale, faults: 6 * scale }
const millis = 180_000 * scale

type Counts = { -readonly [name in keyof typeof enough]: number }

const isEnough = (counts: Counts): boolean =>
  Object.entries(enough).every(([name, least]) => counts[name as keyof Counts] >= least)

/** The same door, its answers counted. */
const counted = (door: Service, counts: Counts): Service => {
  const note = <A, E extends CheckoutError.CheckoutError>(call: Effect.Effect<A, E>): Effect.Effect<A, E> =>
    Effect.onExit(call, (exit) =>
      Effect.sync(() => {
        if (Exit.isSuccess(exit)) counts.acknowledged += 1
        else if (exit.cause._tag !== "Fail" || exit.cause.error.applied === "unknown") counts.unknown += 1
        else if ("current" in exit.cause.error) counts.refused += 1
      })
    )
  return {
    ...door,
    get: (caller, input) => note(door.get(caller, input)),
    update: (caller, input) => note(door.update(caller, input))
  }
}

/** One fault, over when it returns. */
const fault = (nodes: ReadonlyArray<ClusterNode>, postgres: PostgresServer.PostgresServer) =>
  Effect.gen(function* () {
    const victim = nodes[yield* Random.nextIntBetween(0, nodes.length)]!
    const pause = (from: number, to: number) => Effect.flatMap(Random.nextIntBetween(from, to), Effect.sleep)
    switch (yield* Random.nextIntBetween(0, 10)) {
      case 0:
      case 1:
      case 2:
        yield* victim.end("SIGKILL")
        yield* pause(100, 1_500)
        yield* victim.restart
        return "SIGKILL"
      case 3:
        assert.strictEqual(yield* victim.end("SIGTERM"), 0)
        yield* victim.restart
        return "SIGTERM"
      case 4:
      case 5:
        // Longer than a peer's patience, and at times longer than a lease.
        yield* victim.signal("SIGSTOP")
        yield* pause(500, 4_500)
        yield* victim.signal("SIGCONT")
        return "SIGSTOP"
      case 6:
        yield* victim.link.cut
        return "nodes cut off"
      case 7:
        // The others do not hear it, it hears them.
        yield* victim.link.silence(true)
        yield* pause(500, 3_000)
        yield* victim.link.silence(false)
        return "nodes silent"
      case 8:
        yield* postgres.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
          WHERE application_name = 'onelane' AND random() < 0.5`)
        return "connections cut"
      default:
        yield* postgres.crash
        yield* postgres.start
        return "database crash"
    }
  })

describe("a cluster", () => {
  it.scopedLive(
    "keeps one linearizable history through killed, paused and restarted nodes, cut connections and a dying database",
    () =>
      Effect.gen(function* () {
        const postgres = yield* PostgresServer.make()
        const storage = yield* postgres.makePlace
        const nodes = yield* Effect.all([start(storage), start(storage), start(storage)], { concurrency: "unbounded" })
        const counts: Counts = { acknowledged: 0, refused: 0, unknown: 0, faults: 0 }
        const faults: Record<string, number> = {}
        const breaking = fault(nodes, postgres).pipe(
          Effect.tap((name) =>
            Effect.sync(() => {
              faults[name] = (faults[name] ?? 0) + 1
              counts.faults += 1
            })
          ),
          Effect.uninterruptible,
          // Once enough is broken, enough must also be done.
          Effect.zipLeft(Effect.suspend(() => Effect.sleep(counts.faults < enough.faults ? 500 : 3_000))),
          Effect.forever
        )
        const breaker = yield* Effect.fork(Effect.delay(breaking, 500))
        const doors = nodes.map(({ door }) => counted(door, counts))
        const isOver = () => isEnough(counts)
        const load = Load.run({ doors, callers: 48, sessions: 16, millis, isOver, isAskedTwice: true })
        // What was broken last heals before the last look.
        const stopped = Effect.sync(isOver).pipe(
          Effect.repeat({ until: (over) => over, schedule: Schedule.spaced(50) }),
          Effect.timeoutOption(millis),
          Effect.zipRight(Fiber.interrupt(breaker))
        )
        const [{ history, problems }] = yield* Effect.all([load, stopped], { concurrency: "unbounded" })
        const summary = JSON.stringify({ operations: history.length, ...counts, ...faults })
        yield* Effect.logInfo(summary)
        assert.deepStrictEqual(problems, [], summary)
        assert.isTrue(isEnough(counts), summary)
      }),
    millis + 90_000
  )
})
