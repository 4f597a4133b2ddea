/** Database: the processors and the disk of a simulated PostgreSQL. One sync at a time carries every commit that was ready when it began. */
import type { Agenda } from "./Agenda.js"

/** What it is made of. Times are microseconds. */
export interface DatabaseOptions {
  readonly databaseProcessors: number
  readonly statementMicros: number
  readonly rowMicros: number
  readonly syncMicros: number
}

/** One at work. */
export interface Database {
  /** A statement of so many rows arrives; `done` is told when it is on the disk. */
  readonly commit: (now: number, rows: number, done: (at: number) => void) => void
  /** What it did so far: processor time, and syncs. */
  readonly done: { processorMicros: number; syncs: number }
}

/** Makes one that has nothing to do yet. */
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
