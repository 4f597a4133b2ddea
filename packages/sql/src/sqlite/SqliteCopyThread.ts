/**
 * SqliteCopyThread: what runs in the thread that copies and judges a store. Loads nothing but the driver. Its other end is
 * StoreBackup.
 */
import { parentPort, workerData } from "node:worker_threads"
import { type Contents, run, type Work } from "./SqliteCopy.js"
import * as SqliteDriver from "./SqliteDriver.js"
import type { Thrown } from "./SqliteThread.js"

/** What it tells, once. */
export type Copied = { readonly contents: Contents } | { readonly thrown: Thrown }

const told = (driver: SqliteDriver.Driver): Copied => {
  try {
    return { contents: run(driver, workerData as Work) }
  } catch (cause) {
    const { code, errcode, message } = cause as Thrown
    return {
      thrown: { message, ...(code === undefined ? {} : { code }), ...(errcode === undefined ? {} : { errcode }) }
    }
  }
}

parentPort!.postMessage(told(await SqliteDriver.load()))
