/**
 * EngineMetrics: plain counters, read on demand. No registry, and no cost when nobody reads them.
 */

/** Counters since the start, and the current gauges `live` and `attendants`. */
export interface EngineMetrics {
  /** Turns begun, re-decided ones included. */
  turns: number
  /** Turns that added events. */
  accepted: number
  /** Turns that a rule refused. */
  refused: number
  /** Messages that could not be answered on the caller's stack. */
  waits: number
  /** Messages refused because a limit was reached. */
  overloads: number
  /** Defects of behaviors and ports. */
  defects: number
  /** Activations read from the journal. */
  loads: number
  /** Activations passivated. */
  passivations: number
  /** Entries refused by the fence. */
  conflicts: number
  /** Active actors now. */
  live: number
  /** Callers that attend to an address now. */
  attendants: number
}

/** Creates zeroed metrics. */
export const make = (): EngineMetrics => ({
  turns: 0,
  accepted: 0,
  refused: 0,
  waits: 0,
  overloads: 0,
  defects: 0,
  loads: 0,
  passivations: 0,
  conflicts: 0,
  live: 0,
  attendants: 0
})

/**
 * What group commit counts. `batchMillisBuckets[i]` counts appends of at most `batchMillisBounds[i]` milliseconds; the
 * last bucket counts the rest.
 */
export interface CommitMetrics {
  /** Appends finished. */
  appends: number
  /** Entries in them. */
  entries: number
  /** Appends that failed. */
  failures: number
  /** Milliseconds spent in appends. */
  appendMillis: number
  readonly batchMillisBuckets: Array<number>
  /** The same for the entries of an append, by `batchEntriesBounds`. */
  readonly batchEntriesBuckets: Array<number>
  /** Messages held until something is durable or their address is free, of all systems on this group commit. */
  held: number
  /** Bytes of bodies in their commands, and at most in their answers. */
  heldBytes: number
}

/** Upper bounds of the append-duration buckets, milliseconds. */
export const batchMillisBounds: ReadonlyArray<number> = Object.freeze([0.5, 1, 2, 5, 10, 20, 50, 100, 500, 2_000])

/** Upper bounds of the append-size buckets, entries. */
export const batchEntriesBounds: ReadonlyArray<number> = Object.freeze([
  1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024, 4_096
])

/** Creates zeroed commit metrics. */
export const makeCommit = (): CommitMetrics => ({
  appends: 0,
  entries: 0,
  failures: 0,
  appendMillis: 0,
  batchMillisBuckets: [...batchMillisBounds, 0].map(() => 0),
  batchEntriesBuckets: [...batchEntriesBounds, 0].map(() => 0),
  held: 0,
  heldBytes: 0
})

/** Counts one append of `entries` entries that took `millis`. */
export const countAppend = (metrics: CommitMetrics, entries: number, millis: number): void => {
  metrics.appends += 1
  metrics.entries += entries
  metrics.appendMillis += millis
  countIn(metrics.batchMillisBuckets, batchMillisBounds, millis)
  countIn(metrics.batchEntriesBuckets, batchEntriesBounds, entries)
}

const countIn = (buckets: Array<number>, bounds: ReadonlyArray<number>, value: number): void => {
  let index = 0
  while (index < bounds.length && value > bounds[index]!) index++
  buckets[index] = buckets[index]! + 1
}

/** A read-only view of counters that always shows the current values. */
export const view = <A extends object>(counted: A): Readonly<A> => {
  const shown = {}
  for (const name of Object.keys(counted) as Array<keyof A>) {
    const get = () => {
      const value = counted[name]
      return Array.isArray(value) ? [...value] : value
    }
    Object.defineProperty(shown, name, { get, enumerable: true })
  }
  return Object.freeze(shown) as Readonly<A>
}
