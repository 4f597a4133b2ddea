/**
 * Statements: how a client runs prepared statements, beside the documented path (`SqlClient`).
 *
 * A client that can answer at once (SQLite, whose calls are synchronous) gives an `Exit`, which the engine takes without
 * suspension; the statement is then executed by the call itself, not when the effect is run. One that must be waited for
 * (PostgreSQL) may take look-ups that come together as one statement.
 */
import { SqlClient } from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

/** Rows as a database gives them. */
export type Rows = ReadonlyArray<Readonly<Record<string, unknown>>>

/** Runs a text with its parameters. */
export type Run = (text: string, parameters: ReadonlyArray<unknown>) => Effect.Effect<Rows, SqlError>

/** Runs a text once for each list of parameters, all of them texts, and gives one row set for each, in that order. */
export type RunTogether = (
  text: string,
  asked: ReadonlyArray<ReadonlyArray<unknown>>
) => Effect.Effect<ReadonlyArray<Rows>, SqlError>

/** The ways of a client. */
export interface StatementsShape {
  readonly read: Run
  /** For a statement that writes and may take long. */
  readonly write: Run
  /** For many look-ups at once; null: the client has no such way. */
  readonly readTogether: RunTogether | null
}

/** The ways of the client in force. Our clients bring them with themselves. */
export class Statements extends Context.Tag("@onelane/sql/Statements")<Statements, StatementsShape>() {}

/** What our clients give: the client, and its ways. */
export type Client = SqlClient | Statements

/** Through a client that has no ways of its own. */
export const layer: Layer.Layer<Statements, never, SqlClient> = Layer.function(SqlClient, Statements, ({ unsafe }) => ({
  read: unsafe,
  write: unsafe,
  readTogether: null
}))
