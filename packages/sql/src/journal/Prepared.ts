/**
 * Prepared: one statement, compiled once, run many times, its rows decoded and its errors translated.
 *
 * The documented path is `SqlClient`. A client that can answer at once (SQLite, whose calls are synchronous) takes the
 * same text and the same parameters through `runPrepared` and gives back an `Exit`, which the engine takes without
 * suspension; the statement is then executed by the call itself, not when the effect is run. A client that must be waited
 * for (PostgreSQL) may take look-ups that come together as one statement (`runTogether`).
 */
import type { SqlClient } from "@effect/sql/SqlClient"
import { SqlError } from "@effect/sql/SqlError"
import type { Statement } from "@effect/sql/Statement"
import { EffectRunner } from "@onelane/engine"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"

/** The key under which a client carries its short way. */
export const runPrepared: unique symbol = Symbol.for("@onelane/sql/Prepared/runPrepared")

/** The key under which a client carries its way for a statement that writes, and that may take long. */
export const runWriting: unique symbol = Symbol.for("@onelane/sql/Prepared/runWriting")

/** The key under which a client carries its way for many look-ups at once. */
export const runTogether: unique symbol = Symbol.for("@onelane/sql/Prepared/runTogether")

/** Rows as a database gives them. */
export type Rows = ReadonlyArray<Readonly<Record<string, unknown>>>

/** Runs a text with its parameters. */
export type Run = (text: string, parameters: ReadonlyArray<unknown>) => Effect.Effect<Rows, SqlError>

/** Runs a text once for each list of parameters, all of them texts, and gives one row set for each, in that order. */
export type RunTogether = (
  text: string,
  asked: ReadonlyArray<ReadonlyArray<unknown>>
) => Effect.Effect<ReadonlyArray<Rows>, SqlError>

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
  refuse: (error: SqlError) => E,
  way: typeof runPrepared | typeof runWriting = runPrepared
): Prepared<A, E> => {
  const [text] = statement.compile(true)
  const ways = sql as { readonly [runPrepared]?: Run; readonly [runWriting]?: Run }
  const run = ways[way] ?? ways[runPrepared] ?? sql.unsafe
  const answer = decodeOr(decode, refuse)
  return (...parameters) => {
    const found = run(text, parameters)
    if (!EffectRunner.isExit(found)) return Effect.flatMap(Effect.mapError(found, refuse), answer)
    return Exit.isSuccess(found) ? answer(found.value) : Exit.flatMap(Exit.mapError(found, refuse), answer)
  }
}

/** Look-ups of one statement at most. */
const togetherCapacity = 1_024

/**
 * Prepares a look-up whose parameters are all texts. Where the client can, those that come while one is under way wait for
 * it and then go together: a look-up never sees less than what was committed when it was asked.
 */
export const prepareLookup = <A, E>(
  sql: SqlClient,
  statement: Statement<object>,
  decode: (rows: Rows) => A,
  refuse: (error: SqlError) => E
): Prepared<A, E> => {
  const together = (sql as { readonly [runTogether]?: RunTogether })[runTogether]
  if (together === undefined) return prepare(sql, statement, decode, refuse)
  const [text] = statement.compile(true)
  const answer = decodeOr(decode, refuse)
  let waiting: Array<{ readonly parameters: ReadonlyArray<unknown>; readonly reply: (exit: Exit.Exit<A, E>) => void }> =
    []
  let underWay = false
  const rounds: Effect.Effect<void> = Effect.suspend(() => {
    const asked = waiting.slice(0, togetherCapacity)
    waiting = waiting.slice(togetherCapacity)
    underWay = asked.length > 0
    if (!underWay) return Effect.void
    const found = together(
      text,
      asked.map(({ parameters }) => parameters)
    )
    return Effect.flatMap(Effect.exit(found), (exit) => {
      for (const [place, { reply }] of asked.entries())
        reply(Exit.flatMap(Exit.mapError(exit, refuse), (answers) => answer(answers[place]!)))
      return rounds
    })
  })
  return (...parameters) =>
    Effect.async((resume) => {
      waiting.push({ parameters, reply: resume })
      if (underWay) return
      underWay = true
      Effect.runFork(Effect.zipRight(Effect.yieldNow(), rounds))
    })
}

const decodeOr =
  <A, E>(decode: (rows: Rows) => A, refuse: (error: SqlError) => E) =>
  (rows: Rows): Exit.Exit<A, E> => {
    try {
      return Exit.succeed(decode(rows))
    } catch (cause) {
      return Exit.fail(refuse(new SqlError({ cause, message: "a stored value could not be read" })))
    }
  }
