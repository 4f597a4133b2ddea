/**
 * SqliteCopyThread: the program of the thread that copies and verifies a store. It runs as text (ThreadTexts).
 * StoreBackup starts it.
 */
import { type Contents, run, type Work } from "./SqliteCopy.js"
import * as SqliteModule from "./SqliteModule.js"
import type { Thrown } from "./SqliteThread.js"

/** The only message of the thread. */
export type Copied = { readonly contents: Contents } | { readonly thrown: Thrown }

const { parentPort, workerData } = SqliteModule.builtin("node:worker_threads") as typeof import("node:worker_threads")

const told = (work: Work): Copied => {
  try {
    return { contents: run(SqliteModule.openFrom(work.origin), work) }
  } catch (cause) {
    const { code, errcode, message } = cause as Thrown
    return {
      thrown: { message, ...(code === undefined ? {} : { code }), ...(errcode === undefined ? {} : { errcode }) }
    }
  }
}

parentPort!.postMessage(told(workerData as Work))
