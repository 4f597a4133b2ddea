/**
 * SqliteCopy: copies a store and verifies the copy. Plain, without Effect: it runs in a thread of its own
 * (SqliteCopyThread), because both may take minutes.
 */
import * as SqliteMark from "./SqliteMark.js"
import type { Connection, Open, Origin } from "./SqliteModule.js"
import { makeAsk } from "./SqliteSettings.js"

/** The contents of a copy. */
export interface Contents {
  /** Format of the store (StoreFormat). */
  readonly format: number
  readonly sessions: number
  readonly carts: number
  readonly events: number
}

/**
 * The task: copy the store that this process has open as `source` into the empty file `target`, or only verify
 * `target`.
 */
export interface Work {
  readonly source: string | null
  readonly target: string
  readonly origin: Origin
}

/** Copies and verifies. Throws the SQLite error, or an `Error` that says what is wrong with the copy. */
export const run = (open: Open, { source, target }: Work): Contents => {
  if (source !== null) within(open(source), (connection) => copy(connection, target))
  return within(open(target), judge)
}

const within = <A>(connection: Connection, use: (connection: Connection) => A): A => {
  try {
    return use(connection)
  } finally {
    connection.close()
  }
}

const busyMillis = 5_000

// One read transaction: commits made meanwhile go to the log and are not in the copy.
const copy = (connection: Connection, target: string): void => {
  connection.exec(`PRAGMA busy_timeout=${busyMillis}; PRAGMA wal_autocheckpoint=0`)
  connection.exec(`VACUUM INTO '${target.replaceAll("'", "''")}'`)
}

const faultsOf = "(SELECT integrity_check AS fault FROM pragma_integrity_check LIMIT 5)"

/** Counts states without an event of their own sequence, or with a later one: there must be none. */
const loose = `(SELECT count(*) AS n FROM journal_state AS now WHERE sequence IS NOT (
  SELECT max(sequence) FROM journal_events AS past WHERE past.kind = now.kind AND past.id = now.id))`

const judge = (connection: Connection): Contents => {
  connection.exec(`PRAGMA user_version=${SqliteMark.alone}`)
  const ask = makeAsk(connection)
  const faults = ask("group_concat(fault, '; ')", faultsOf)
  if (faults !== "ok") throw new Error(`it is damaged: ${String(faults)}`)
  const looseStates = Number(ask("n", loose))
  if (looseStates > 0) throw new Error(`it is damaged: ${looseStates} sessions and carts do not match their history`)
  const count = (what: string): number => Number(ask("count(*)", what))
  return {
    format: Number(ask("max(format)", "store_format")),
    sessions: count("journal_state WHERE kind = 'session'"),
    carts: count("journal_state WHERE kind = 'cart'"),
    events: count("journal_events")
  }
}
