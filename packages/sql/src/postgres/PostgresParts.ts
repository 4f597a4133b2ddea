/**
 * PostgresParts: the optional peers of PostgreSQL, loaded when a storage needs them. A program on memory or SQLite does
 * not install them.
 */
import type * as PgClient from "@effect/sql-pg/PgClient"
import * as Effect from "effect/Effect"
import type pg from "pg"
import { DatabaseRefused } from "../journal/DatabaseRefused.js"

/** The driver and its Effect client. */
export interface PostgresParts {
  readonly pg: typeof pg
  readonly PgClient: typeof PgClient
}

/** The command that installs what is missing. */
export const install = "npm install pg @effect/sql-pg@0"

const isMissing = (cause: unknown): boolean => /^(ERR_)?MODULE_NOT_FOUND$/.test(String(Object(cause).code))

const refusedBy = (cause: unknown): DatabaseRefused =>
  new DatabaseRefused({
    reason: "NO_DRIVER",
    message: isMissing(cause)
      ? `PostgreSQL needs its driver: ${install}`
      : `The PostgreSQL driver could not be loaded: ${cause instanceof Error ? cause.message : String(cause)}`,
    cause
  })

// Each import is awaited in a `try`: a bundler then leaves out what is not installed, and does not fail.
const loaded = async (): Promise<PostgresParts> => {
  try {
    const { default: pg } = await import("pg")
    return { pg, PgClient: await import("@effect/sql-pg/PgClient") }
  } catch (cause) {
    throw refusedBy(cause)
  }
}

/** Loads them. Fails with `NO_DRIVER`, and what to install, if one is missing. */
export const load: Effect.Effect<PostgresParts, DatabaseRefused> = Effect.tryPromise({
  try: loaded,
  catch: (cause) => cause as DatabaseRefused
})
