/**
 * Database: the processors and the disk of a simulated PostgreSQL. It makes one sync at a time, which includes every
 * commit that was ready when the sync began.
 */
import type { Agenda } from "./Agenda.js"

/** Its parameters. Times are microseconds. */
export interface DatabaseOptions {
  readonly databaseProcessors: number
  readonly statementMicros: number
  readonly rowMicros: number
  readonly syncMicros: number
}

/** A running database. */
export interface Database {
  /** Executes a statement of so many rows; calls `done` when it is durable. */
  readonly commit: (now: number, rows: number, done: (at: number) => void) => void
  /** Totals so far: processor time, and syncs. */
  readonly done: { processorMicros: number; syncs: number }
}

/** Makes an idle database. */
export const make = (options: DatabaseOptions, agenda: Agenda): Database => {
  const processors = Array.from({ length: options.databaseProcessors }, () => 0)
  const done = { processorMicros: 0, syncs: 0 }
  let ready: Array<(at: number) => void> = []
  let syncing = false
  const sync = (now: number): void => {
    if (syncing || ready.length === 0) return
    syncing = true
    done.syncs += 1
    const carried = ready
    ready = []
    const at = now + options.syncMicros
    agenda.add(at, () => {
      syncing = false
      for (const told of carried) told(at)
      sync(at)
    })
  }
  return {
    done,
    commit: (now, rows, told) => {
      const micros = options.statementMicros + rows * options.rowMicros
      const processor = processors.indexOf(Math.min(...processors))
      const at = Math.max(now, processors[processor]!) + micros
      processors[processor] = at
      done.processorMicros += micros
      agenda.add(at, () => {
        ready.push(told)
        sync(at)
      })
    }
  }
}
