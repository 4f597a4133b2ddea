/** Whether a node wants traffic: as long as it owns sessions, and not while it owns none. */
import { assert, describe, it } from "@effect/vitest"
import { Caller } from "@onelane/checkout"
import * as PostgresServer from "@onelane/testkit/PostgresServer"
import { Effect, Schedule } from "effect"
import { start } from "./ClusterNodes.js"

describe("a node", () => {
  it.scopedLive(
    "a node without shards is not ready but still answers; it is ready once it holds shards",
    () =>
      Effect.gen(function* () {
        const postgres = yield* PostgresServer.make()
        const storage = yield* postgres.makePlace
        const { door, url } = yield* start(storage)
        const leases = `${/search_path%3D(\w+)/.exec(storage)![1]}.onelane_locks`
        const status = Effect.promise(() => fetch(`${url}/readyz`).then((answer) => answer.status))
        const until = (wanted: number) =>
          Effect.repeat(status, { until: (found) => found === wanted, schedule: Schedule.spaced(50) })
        yield* until(200)
        yield* postgres.query(`UPDATE ${leases} SET address = 'elsewhere:1', acquired_at = now() + interval '1 hour'`)
        yield* until(503)
        const { session } = yield* door.open(Caller.host, { cartId: "cart-0", initialState: "Inventory" })
        assert.strictEqual(session.version, 1)
        yield* postgres.query(`DELETE FROM ${leases}`)
        yield* until(200)
      }),
    60_000
  )
})
