/**
 * SqliteSettings: the settings needed for durability, set on a connection and then read back. Plain, without Effect:
 * the writer thread uses it too.
 */
import type { Connection } from "./SqliteModule.js"

/** The settings of a connection. */
export interface Settings {
  /** How long to wait for somebody else's write to end. */
  readonly busyTimeoutMillis: number
  readonly cacheMebibytes: number
  /** Pages of 4 KiB in the write-ahead log before this connection carries them into the file; 0: never. */
  readonly checkpointPages: number
}

/** A page in the write-ahead log, with its header, bytes. */
const logPageBytes = 4_096 + 24

/** A log up to this size is normal; a larger one is truncated to it after a complete checkpoint. */
export const calmLogBytes = (checkpointPages: number): number => 2 * checkpointPages * logPageBytes

/** Applies the settings to a connection. */
export const set = (connection: Connection, settings: Settings): void => {
  const { busyTimeoutMillis, cacheMebibytes, checkpointPages } = settings
  connection.exec(`PRAGMA busy_timeout=${Math.trunc(busyTimeoutMillis)}`)
  connection.exec("PRAGMA synchronous=FULL; PRAGMA journal_mode=WAL; PRAGMA foreign_keys=ON")
  connection.exec(`PRAGMA cache_size=-${Math.trunc(cacheMebibytes * 1024)}`)
  connection.exec(`PRAGMA wal_autocheckpoint=${Math.trunc(checkpointPages)}`)
  connection.exec(`PRAGMA journal_size_limit=${Math.trunc(calmLogBytes(checkpointPages))}`)
}

/** Reads the settings back. Returns the first one that differs, or null. */
export const fault = (connection: Connection, expected: Readonly<Record<string, unknown>>): string | null => {
  const ask = makeAsk(connection)
  for (const [name, value] of Object.entries({ synchronous: 2, foreign_keys: 1, ...expected })) {
    const found = ask(name, `pragma_${name}`)
    if (found !== value) return `${name} is ${String(found)}`
  }
  return null
}

/** Reads one value without keeping a statement, so that a refused file is released at once. */
export const makeAsk = (connection: Connection): ((column: string, table: string) => unknown) => {
  let answer: unknown
  connection.function("onelane_answer", (value: unknown) => {
    answer = value
    return null
  })
  return (column, table) => {
    connection.exec(`SELECT onelane_answer(${column}) FROM ${table}`)
    return answer
  }
}
