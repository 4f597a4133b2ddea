/**
 * Postgres: one real PostgreSQL per test file, a database of its own for whoever asks.
 */
import * as PostgresForFile from "@onelane/testkit/PostgresForFile"
import type * as PostgresServer from "@onelane/testkit/PostgresServer"
import { Effect } from "effect"

/** The server of the tests of this file. */
export const forThisFile = (flags?: ReadonlyArray<string>): Effect.Effect<PostgresServer.PostgresServer> =>
  Effect.sync(PostgresForFile.postgresForThisFile(flags))
