/**
 * SqliteStatements: the prepared statements of a connection, each compiled once. Plain, without Effect: the writer
 * thread uses it too.
 */
import type { Connection, Row, Statement } from "./SqliteModule.js"

/** Prepared statements kept; the oldest is dropped first. */
const statementCapacity = 256

/** Runs statements on a connection, each compiled once. `forget` releases all compiled ones. */
export interface Statements {
  readonly all: (text: string, parameters: ReadonlyArray<unknown>) => ReadonlyArray<Row>
  readonly forget: () => void
}

/** The statements of a connection. */
export const statementsOf = (connection: Connection): Statements => {
  const kept = new Map<string, Statement>()
  const prepared = (text: string): Statement => {
    let statement = kept.get(text)
    if (statement === undefined) {
      statement = connection.prepare(text)
      if (kept.size >= statementCapacity) kept.delete(kept.keys().next().value!)
      kept.set(text, statement)
    }
    return statement
  }
  return {
    all: (text, parameters) => prepared(text).all(...parameters),
    forget: () => kept.clear()
  }
}
