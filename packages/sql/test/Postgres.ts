/**
 * Postgres: one real PostgreSQL per test file, a database of its own for whoever asks.
 */
import * as PostgresServer from "@onelane/testkit/PostgresServer"
import { Effect, Exit, Scope } from "effect"
import { afterAll, beforeAll } from "vitest"

/** Starts a server before the tests of this file and ends it after them. */
export const forThisFile = (flags?: ReadonlyArray<string>): Effect.Effect<PostgresServer.PostgresServer> => {
  const scope = Effect.runSync(Scope.make())
  let server: PostgresServer.PostgresServer
  beforeAll(async () => {
    server = await Effect.runPromise(Scope.extend(PostgresServer.make(flags), scope))
  }, 60_000)
  afterAll(() => Effect.runPromise(Scope.close(scope, Exit.void)), 60_000)
  return Effect.sync(() => server)
}
