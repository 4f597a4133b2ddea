/** Postgres: a real PostgreSQL from the registry, `fsync` and `synchronous_commit` on, for one process of a contest. */
import * as PostgresServer from "@onelane/testkit/PostgresServer"
import { Effect, Exit, Scope } from "effect"

/** A running server with an empty place for tables. */
export const start = async (): Promise<{ readonly url: string; readonly stop: () => Promise<void> }> => {
  const scope = Effect.runSync(Scope.make())
  const server = await Effect.runPromise(Scope.extend(PostgresServer.make(), scope))
  const url = await Effect.runPromise(server.makePlace)
  return { url, stop: () => Effect.runPromise(Scope.close(scope, Exit.void)) }
}
