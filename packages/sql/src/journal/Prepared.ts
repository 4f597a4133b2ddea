/**
 * Prepared: one statement, compiled once, run many times, its rows decoded and its errors translated. If the client is
 * synchronous (`Statements`), so is the statement.
 */
import { SqlError } from "@effect/sql/SqlError"
import type { Statement } from "@effect/sql/Statement"
import { EffectRunner } from "@onelane/engine"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { Rows, Run, StatementsShape } from "./Statements.js"

/** A prepared statement: takes parameters, returns the decoded answer. */
export type Prepared<A, E> = (...parameters: ReadonlyArray<unknown>) => Effect.Effect<A, E>

/**
 * Prepares `statement`; its parameters are placeholders. An exception of `decode` is an error like any other.
 */
export const prepare = <A, E>(
  run: Run,
  statement: Statement<object>,
  decode: (rows: Rows) => A,
  refuse: (error: SqlError) => E
): Prepared<A, E> => {
  const [text] = statement.compile(true)
  const answer = decodeOr(decode, refuse)
  return (...parameters) => {
    const found = run(text, parameters)
    if (!EffectRunner.isExit(found)) return Effect.flatMap(Effect.mapError(found, refuse), answer)
    return Exit.isSuccess(found) ? answer(found.value) : Exit.flatMap(Exit.mapError(found, refuse), answer)
  }
}

/** Most look-ups in one statement. */
const togetherCapacity = 1_024

/**
 * Prepares a look-up whose parameters are all texts. If the client can, look-ups that arrive while one runs wait for it
 * and are then sent together. A look-up always sees everything that was committed before it was requested.
 */
export const prepareLookup = <A, E>(
  { read, readTogether }: StatementsShape,
  statement: Statement<object>,
  decode: (rows: Rows) => A,
  refuse: (error: SqlError) => E
): Prepared<A, E> => {
  if (readTogether === null) return prepare(read, statement, decode, refuse)
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
    const found = readTogether(
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
