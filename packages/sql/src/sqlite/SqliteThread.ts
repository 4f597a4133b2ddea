/**
 * SqliteThread: the program of the writer thread: runs statements one by one on its own connection. It runs as text
 * (ThreadTexts), so it imports nothing at run time that is not plain. SqliteWriterThread is its counterpart.
 */
import * as SqliteModule from "./SqliteModule.js"
import * as SqliteSettings from "./SqliteSettings.js"
import * as SqliteStatements from "./SqliteStatements.js"

/** Start-up data of the thread. */
export interface Start {
  readonly filename: string
  readonly origin: SqliteModule.Origin
  readonly settings: SqliteSettings.Settings
}

/** A message to the thread. After `close` it says `closed`, and may be terminated. */
export type Asked = { readonly text: string; readonly parameters: ReadonlyArray<unknown> } | "close"

/** An SQLite exception, as far as it can be passed between threads. */
export interface Thrown {
  readonly code?: unknown
  readonly errcode?: number
  readonly message: string
}

/**
 * A message from the thread: it is ready, the rows of a statement as JSON, an exception, or that its connection is
 * closed.
 */
export type Told = { readonly rows: string } | { readonly thrown: Thrown } | "closed"

const { parentPort, workerData } = SqliteModule.builtin("node:worker_threads") as typeof import("node:worker_threads")
const port = parentPort!
const { filename, origin, settings } = workerData as Start
const connection = SqliteModule.openFrom(origin)(filename)
const { all } = SqliteStatements.statementsOf(connection)

const thrownOf = (cause: unknown): Thrown => {
  const { code, errcode, message } = cause as Thrown
  return { message, ...(code === undefined ? {} : { code }), ...(errcode === undefined ? {} : { errcode }) }
}

const answer = (work: () => unknown): void => {
  let told: Told
  try {
    told = { rows: JSON.stringify(work()) }
  } catch (cause) {
    told = { thrown: thrownOf(cause) }
  }
  port.postMessage(told)
}

port.on("message", (asked: Asked) => {
  if (asked !== "close") return answer(() => all(asked.text, asked.parameters))
  connection.close()
  port.postMessage("closed" satisfies Told)
})

answer(() => {
  SqliteSettings.set(connection, settings)
  const fault = SqliteSettings.fault(connection, { journal_mode: "wal" })
  if (fault !== null) throw new Error(fault)
  return []
})
