/**
 * Prepared: one statement, compiled once, run many times, its rows decoded and its errors translated.
 *
 * The documented path is `SqlClient`. A client that can answer at once (SQLite, whose calls are synchronous) takes the
 * same text and the same parameters through `runPrepared` and gives back an `Exit`, which the engine takes without
 * suspension; the statement is then executed by the call itself, not when the effect is run.
 */
import type { SqlClient } from "@effect/sql/SqlClient"
import { SqlError } from "@effect/sql/SqlError"
import type { Statement } from "@effect/sql/Statement"
import { Effect, Exit } from "effect"

/** The key under which a client carries its short way. */
export const runPrepared: unique symbol = Symbol.for("@onelane/sql/Prepared/runPrepared")

/** Rows as a database gives them. */
export type Rows = ReadonlyArray<Readonly<Record<string, unknown>>>

/** Runs a text with its parameters. */
export type Run = (text: string, parameters: ReadonlyArray<unknown>) => Effect.Effect<Rows, SqlError>

/** A prepared statement: parameters in, an answer out. */
export type Prepared<A, E> = (...parameters: ReadonlyArray<unknown>) => Effect.Effect<A, E>

/**
 * Prepares `statement`, whose own parameters only say where parameters go. A `decode` that throws is an error like any
 * other.
 */
export const prepare = <A, E>(
  sql: SqlClient,
  statement: Statement<object>,
  decode: (rows: Rows) => A,
  refuse: (error: SqlError) => E
): Prepared<A, E> => {
  const [text] = statement.compile(true)
  const run = (sql as { readonly [runPrepared]?: Run })[runPrepared] ?? sql.unsafe
  const answer = (rows: Rows): Exit.Exit<A, E> => {
    try {
      return Exit.succeed(decode(rows))
    } catch (cause) {
      return Exit.fail(refuse(new SqlError({ cause, message: "a stored value could not be read" })))
    }
  }
  return (...parameters) => {
    const found = run(text, parameters)
    return isExit(found)
      ? Exit.flatMap(Exit.mapError(found, refuse), answer)
      : Effect.flatMap(Effect.mapError(found, refuse), answer)
  }
}

/** `Effect.map` that keeps an `Exit` an `Exit`. */
export const mapNow = <A, B, E>(self: Effect.Effect<A, E>, f: (a: A) => B): Effect.Effect<B, E> =>
  isExit(self) ? Exit.map(self, f) : Effect.map(self, f)

const isExit = <A, E>(effect: Effect.Effect<A, E>): effect is Exit.Exit<A, E> => Exit.isExit(effect)
