/** Preloaded: a runtime that has no threads. */
import { syncBuiltinESMExports } from "node:module"
import threads from "node:worker_threads"

threads.Worker = class {
  constructor() {
    throw new Error("no threads here")
  }
}
syncBuiltinESMExports()
