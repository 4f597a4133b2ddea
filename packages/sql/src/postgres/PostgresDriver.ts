/**
 * PostgresDriver: loads the PostgreSQL client when a storage needs it.
 */
import * as Effect from "effect/Effect"
import type { DatabaseRefused } from "../journal/DatabaseRefused.js"
import type * as PostgresClient from "./PostgresClient.js"
import * as PostgresParts from "./PostgresParts.js"

export { install } from "./PostgresParts.js"

/** Loads the client. Fails with `NO_DRIVER`, and what to install, if a part of it is missing. */
export const load: Effect.Effect<typeof PostgresClient, DatabaseRefused> = Effect.zipRight(
  PostgresParts.load,
  Effect.promise(() => import("./PostgresClient.js"))
)
