/**
 * SqliteThread: what runs in the committing thread: a connection of its own, on which statements are run one by one as they
 * come. Loads nothing but the driver. Its other end is SqliteWriterThread.
 */
import { parentPort, workerData } from "node:worker_threads"
import * as SqliteDriver from "./SqliteDriver.js"
import * as SqliteSettings from "./SqliteSettings.js"

/** What the thread is started with. */
export interface Start {
  readonly filename: string
  readonly settings: SqliteSettings.Settings
}

/** What it is asked. It ends by itself when asked to close. */
export type Asked = { readonly text: string; readonly parameters: ReadonlyArray<unknown> } | "close"

/** What SQLite threw, as far as it can be told across threads. */
export interface Thrown {
  readonly code?: unknown
  readonly errcode?: number
  readonly message: string
}

/** What it tells: that it is ready, or the rows of a statement as JSON, or what was thrown. */
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
