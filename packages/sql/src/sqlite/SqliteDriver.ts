/**
 * SqliteDriver: the `node:sqlite` API, from Node itself where it has it, else from the registry package of the same API
 * (Node 20), whose binary is inside the package. Plain, without Effect: the committing thread loads it too.
 */

import { setImmediate as nextTurn } from "node:timers/promises"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import type { DatabaseSyncInstance, StatementSyncInstance } from "@photostructure/sqlite"

/** An open connection; everything on it is synchronous. */
export type Connection = DatabaseSyncInstance

/** A driver. */
export interface Driver {
  /** Opens a file, a `file:` url, or `":memory:"`. Throws what SQLite says. */
  readonly open: (filename: string) => Connection
  /** Releases what closed connections still hold. */
  readonly letGo: () => Promise<void>
}

interface Module {
  readonly DatabaseSync: new (filename: string) => Connection
}

// Node 22 says on standard error that its SQLite is experimental; the programs that embed us did not ask for it by name.
const builtin = (): Module | undefined => {
  const { emitWarning, getBuiltinModule } = process as NodeJS.Process & { getBuiltinModule?: (id: string) => unknown }
  process.emitWarning = () => {}
  try {
    return getBuiltinModule?.("node:sqlite") as Module | undefined
  } finally {
    process.emitWarning = emitWarning
  }
}

/** The driver of this Node. Rejects where none can be loaded. */
export const load = async (): Promise<Driver> => {
  const ours = builtin()
  const { DatabaseSync } = ours ?? ((await import("@photostructure/sqlite")) as Module)
  return {
    open: (filename) => new DatabaseSync(filename),
    letGo: ours === undefined ? collectStatements : async () => {}
  }
}

// The package has no way to finalize a statement but to forget it, and SQLite holds on to a file for a statement's sake.
const collectStatements = async (): Promise<void> => {
  setFlagsFromString("--expose-gc")
  const collect: () => void = runInNewContext("gc")
  collect()
  await nextTurn()
}

/** Prepared statements kept; the oldest is dropped first. */
const statementCapacity = 256

/** Runs statements on a connection, each compiled once. `forget` releases all compiled ones. */
export interface Statements {
  readonly all: (text: string, parameters: ReadonlyArray<unknown>) => ReadonlyArray<Readonly<Record<string, unknown>>>
  readonly forget: () => void
}

/** The statements of a connection. */
export const statementsOf = (connection: Connection): Statements => {
  const kept = new Map<string, StatementSyncInstance>()
  const prepared = (text: string): StatementSyncInstance => {
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
