/**
 * EntityRunner: a typical program on `@effect/cluster`: an entity per session, whose one message is a compare-and-set
 * in PostgreSQL. It uses the library's own runner over sockets, storage in the same database, and defaults.
 */
import { Entity, RunnerAddress, ShardId, Sharding } from "@effect/cluster"
import * as NodeClusterSocket from "@effect/platform-node/NodeClusterSocket"
import { Rpc } from "@effect/rpc"
import { SqlClient } from "@effect/sql/SqlClient"
import * as PostgresClient from "@onelane/sql/PostgresClient"
import { Effect, Layer, ManagedRuntime, Option, Schedule, Schema } from "effect"
import { firstState } from "../Load.js"
import type { Seen } from "../Log.js"
import { ofEffects, type Subject } from "../Runner.js"
import { type RegisterAnswer, see } from "../subjects/Register.js"
import type { Options } from "./Task.js"

const Answer = Schema.Struct({ ok: Schema.Boolean, state: Schema.String, version: Schema.Number })

/**
 * The database did not answer. As a defect this would restart the entity, and the library would send the update again.
 */
const Failed = Schema.Literal("failed")

const Session = Entity.make("Session", [
  Rpc.make("update", { payload: { expected: Schema.String, next: Schema.String }, success: Answer, error: Failed })
])

interface Row {
  readonly state: string
  readonly version: number
}

const sessions = Session.toLayer(
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const { entityId } = yield* Entity.CurrentAddress
    return {
      update: ({ payload: { expected, next } }) =>
        Effect.gen(function* () {
          const [moved] = yield* sql<Row>`UPDATE session SET state = ${next}, version = version + 1
            WHERE id = ${entityId} AND state = ${expected} RETURNING state, version`
          if (moved !== undefined) return { ok: true, ...moved }
          const [found] = yield* sql<Row>`SELECT state, version FROM session WHERE id = ${entityId}`
          return { ok: false, ...found! }
        }).pipe(Effect.mapError(() => "failed" as const))
    }
  }),
  { mailboxCapacity: "unbounded" }
)

const shards = 300

/** Joins and waits until it has its share. */
export const entityRunner = async ({ index, ports, url }: Options): Promise<Subject> => {
  const runner = NodeClusterSocket.layer({
    storage: "sql",
    runnerHealth: "ping",
    shardingConfig: {
      runnerAddress: Option.some(RunnerAddress.make("127.0.0.1", ports[index]!)),
      shardsPerGroup: shards
    }
  })
  const runtime = ManagedRuntime.make(
    sessions.pipe(
      // Two runners that start at once may both try to make the library's tables; one of them then fails.
      Layer.provideMerge(Layer.orDie(Layer.retry(runner, Schedule.recurs(5)))),
      Layer.provideMerge(
        Layer.orDie(PostgresClient.layer({ url, connections: 32, connectMillis: 60_000, statementMillis: 60_000 }))
      )
    )
  )
  const sharding = await runtime.runPromise(Sharding.Sharding)
  const held = Effect.sync(
    () =>
      Array.from({ length: shards }, (_, id) => id).filter((id) => sharding.hasShardId(ShardId.make("default", id + 1)))
        .length
  )
  const isShare = (count: number): boolean => count > 0 && (ports.length === 1 || count < shards)
  await Effect.runPromise(Effect.repeat(held, { until: isShare, schedule: Schedule.spaced(200) }))
  const client = await runtime.runPromise(Session.client)
  const update = (id: string, expected: string, next: string): Effect.Effect<RegisterAnswer, "failed"> =>
    Effect.catchAll(client(id).update({ expected, next }), (error) =>
      error === "failed" ? Effect.fail(error) : Effect.die(error)
    )
  const failed = (_: "failed", seen: Seen): void => {
    seen.outcome = "info"
    seen.version = -1
  }
  return ofEffects(
    { update, accepted: see, refused: failed },
    {
      open: async (count) => {
        const ids = Array.from({ length: count }, (_, number) => `${index}-${number}`)
        await runtime.runPromise(
          Effect.flatMap(
            SqlClient,
            (sql) => sql`INSERT INTO session SELECT value, ${firstState}, 1
              FROM json_array_elements_text(${JSON.stringify(ids)}::json)`
          )
        )
        return ids
      },
      close: () => runtime.dispose()
    }
  )
}
