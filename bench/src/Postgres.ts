/** Postgres: a real PostgreSQL from the registry, `fsync` and `synchronous_commit` on, for one process of a contest. */
import * as PostgresServer from "@onelane/testkit/PostgresServer"
import { Effect, Exit, Scope } from "effect"

/** Log segments of 16 MiB that a server has before the measurement starts: more than a subject fills. */
const segments = 24

// A new server makes each log segment when it first needs it, and all commits wait for that. A server that has been
// in use overwrites its old segments.
const age = ({ query }: PostgresServer.PostgresServer): Effect.Effect<void> =>
  Effect.zipRight(
    Effect.repeatN(query("SELECT pg_logical_emit_message(false, 'age', repeat('-', 16000000))"), segments),
    query("CHECKPOINT")
  )

/** A running server with an empty place for tables. */
export const start = async (): Promise<{ readonly url: string; readonly stop: () => Promise<void> }> => {
  const scope = Effect.runSync(Scope.make())
  const keep = ["-c", `min_wal_size=${2 * segments * 16}MB`]
  const server = await Effect.runPromise(Scope.extend(PostgresServer.make(keep), scope))
  await Effect.runPromise(age(server))
  const url = await Effect.runPromise(server.makePlace)
  return { url, stop: () => Effect.runPromise(Scope.close(scope, Exit.void)) }
}
