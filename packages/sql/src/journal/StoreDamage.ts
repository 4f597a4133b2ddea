/**
 * StoreDamage: detects and reports damage in a store, with advice. Repairs nothing.
 */
import { SqlClient } from "@effect/sql/SqlClient"
import * as Effect from "effect/Effect"
import * as Dialect from "./Dialect.js"

/** Every table of a store, and the objects that its append uses. */
const tables = [
  "journal_state",
  "journal_body",
  "journal_events",
  "journal_keys",
  "session_list",
  "store_format",
  "users",
  "accounts",
  "account_members",
  "stores",
  "store_members",
  "carts",
  "api_keys"
] as const

/** A sentence for an operator. */
export const advice = (why: string): string =>
  `The store cannot be used, ${why}: stop every server on it and restore a backup (onelane restore)`

/** Which tables are missing, in words. */
export const lack = (missing: ReadonlyArray<string>): string =>
  `it is damaged, ${missing.length === 1 ? "a table is" : "tables are"} missing: ${missing.join(", ")}`

/** The error of the database behind one of the library's. */
export const root = (error: unknown): unknown => {
  let found: unknown = error
  for (let depth = 0; depth < 8 && isWrapped(found); depth++) found = found.cause
  return found
}

const isWrapped = (error: unknown): error is { readonly cause: unknown } =>
  typeof error === "object" && error !== null && "_tag" in error && "cause" in error && error.cause !== undefined

/** The missing tables. Any other fault fails and is left to the caller. */
export const missingTables = Effect.gen(function* () {
  const sql = yield* SqlClient
  const names = sql.onDialectOrElse({ sqlite: () => [...tables, "journal_append"], orElse: () => [...tables] })
  const probes = names.map((name) => `(SELECT count(*) FROM (SELECT 1 FROM ${name} LIMIT 1) AS one)`)
  const whole = yield* Effect.either(sql.unsafe(`SELECT ${probes.join(" + ")} AS found`))
  if (whole._tag === "Right") return []
  const { failureOf } = Dialect.of(sql)
  const missing: Array<string> = []
  for (const name of names) {
    const probe = yield* Effect.either(sql.unsafe(`SELECT 1 FROM ${name} LIMIT 1`))
    if (probe._tag === "Right") continue
    if (failureOf(probe.left.cause).reason !== "SQL") return yield* Effect.fail(probe.left)
    missing.push(name)
  }
  return missing
})

/** Most faults that are reported. */
const namedFaults = 5

const sqliteFaults = (sql: SqlClient) =>
  sql<{
    readonly fault: string
  }>`SELECT integrity_check AS fault FROM pragma_integrity_check LIMIT ${namedFaults}`.pipe(
    Effect.map((rows) => rows.map(({ fault }) => fault).filter((fault) => fault !== "ok")),
    // Some damage makes the check itself fail.
    Effect.catchIf(
      ({ cause }) => Dialect.of(sql).failureOf(cause).reason === "CORRUPT",
      ({ cause }) => Effect.succeed<ReadonlyArray<string>>([(cause as Error).message])
    )
  )

/**
 * The faults found by the database's own check; empty if there are none, or it has no such check. Reads the whole
 * database.
 */
export const faults = Effect.flatMap(SqlClient, (sql) =>
  sql.onDialectOrElse({
    sqlite: () => sqliteFaults(sql),
    orElse: () => Effect.succeed<ReadonlyArray<string>>([])
  })
)
