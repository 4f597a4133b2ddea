/**
 * Statements: how a client runs prepared statements, besides `SqlClient`.
 *
 * A synchronous client (SQLite) returns an `Exit`, which the engine uses without suspension; the call itself executes
 * the statement, not the effect. An asynchronous client (PostgreSQL) may combine concurrent look-ups into one
 * statement.
 */
import { SqlClient } from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

/** Rows of a database. */
export type Rows = ReadonlyArray<Readonly<Record<string, unknown>>>

/** Runs a statement with its parameters. */
export type Run = (text: string, parameters: ReadonlyArray<unknown>) => Effect.Effect<Rows, SqlError>

/** Runs a statement once per list of parameters (texts only) and returns one row set for each, in order. */
export type RunTogether = (
  text: string,
  asked: ReadonlyArray<ReadonlyArray<unknown>>
) => Effect.Effect<ReadonlyArray<Rows>, SqlError>

/** How a client runs statements. */
export interface StatementsShape {
  readonly read: Run
  /** For a statement that writes and may take long. */
  readonly write: Run
  /** For many look-ups at once; null if the client cannot do that. */
  readonly readTogether: RunTogether | null
}

/** How the current client runs statements. Our clients provide it. */
export class Statements extends Context.Tag("@onelane/sql/Statements")<Statements, StatementsShape>() {}

/** What our clients provide: the client, and its statements. */
export type Client = SqlClient | Statements

/** Creates it for any other `SqlClient`. */
export const layer: Layer.Layer<Statements, never, SqlClient> = Layer.function(SqlClient, Statements, ({ unsafe }) => ({
  read: unsafe,
  write: unsafe,
  readTogether: null
}))
