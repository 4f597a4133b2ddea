/** PostgresForFile: one PostgreSQL for all tests of a file. Owns its life; does not own what the tests put into it. */
import { afterAll, beforeAll } from "@effect/vitest"
import { Effect, Exit, Scope } from "effect"
import * as PostgresServer from "./PostgresServer.js"

const millis = 120_000

/**
 * Starts a server before the tests of the file that calls this, and ends it after them. Gives it once it has started.
 */
export const postgresForThisFile = (flags?: ReadonlyArray<string>): (() => PostgresServer.PostgresServer) => {
  const scope = Effect.runSync(Scope.make())
  let server: PostgresServer.PostgresServer
  beforeAll(async () => {
    server = await Effect.runPromise(Scope.extend(PostgresServer.make(flags), scope))
  }, millis)
  afterAll(() => Effect.runPromise(Scope.close(scope, Exit.void)), millis)
  return () => server
}
