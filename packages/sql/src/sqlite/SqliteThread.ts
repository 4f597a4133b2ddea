/**
 * SqliteThread: the program of the writer thread: runs statements one by one on its own connection. Loads nothing but the
 * driver. SqliteWriterThread is its counterpart.
 */
import { parentPort, workerData } from "node:worker_threads"
import * as SqliteDriver from "./SqliteDriver.js"
import * as SqliteSettings from "./SqliteSettings.js"

/** Start-up data of the thread. */
export interface Start {
  readonly filename: string
  readonly settings: SqliteSettings.Settings
}

/** A message to the thread, which ends after `close`. */
export type Asked = { readonly text: string; readonly parameters: ReadonlyArray<unknown> } | "close"

/** An SQLite exception, as far as it can be passed between threads. */
export interface Thrown {
  readonly code?: unknown
  readonly errcode?: number
  readonly message: string
}

/** A message from the thread: it is ready, the rows of a statement as JSON, or an exception. */
export type Told = { readonly rows: string } | { readonly thrown: Thrown }

const port = parentPort!
const { filename, settings } = workerData as Start
const connection = (await SqliteDriver.load()).open(filename)
const { all } = SqliteDriver.statementsOf(connection)

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
  port.close()
})

answer(() => {
  SqliteSettings.set(connection, settings)
  const fault = SqliteSettings.fault(connection, { journal_mode: "wal" })
  if (fault !== null) throw new Error(fault)
  return []
})
