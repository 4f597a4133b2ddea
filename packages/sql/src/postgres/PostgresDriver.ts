/**
 * PostgresDriver: loads the PostgreSQL client when a storage needs it. Its parts (`pg`, `@effect/sql-pg`) are optional peers: a
 * program on memory or SQLite does not install them.
 */
import * as Effect from "effect/Effect"
import { DatabaseRefused } from "../journal/DatabaseRefused.js"
import type * as PostgresClient from "./PostgresClient.js"

/** The command that installs what is missing. */
export const install = "npm install pg @effect/sql-pg@0"

const isMissing = (cause: unknown): boolean => /^(ERR_)?MODULE_NOT_FOUND$/.test(String(Object(cause).code))

/** Loads the client. Fails with `NO_DRIVER`, and what to install, if a part of it is missing. */
export const load: Effect.Effect<typeof PostgresClient, DatabaseRefused> = Effect.tryPromise({
  try: () => import("./PostgresClient.js"),
  catch: (cause) =>
    new DatabaseRefused({
      reason: "NO_DRIVER",
      message: isMissing(cause)
        ? `PostgreSQL needs its driver: ${install}`
        : `The PostgreSQL driver could not be loaded: ${cause instanceof Error ? cause.message : String(cause)}`,
      cause
    })
})
