/**
 * StoreHealth: metrics of a store.
 */
import * as Context from "effect/Context"

/** Numbers, read on demand. */
export interface StoreHealthShape {
  /** Bytes of the write-ahead log beside an SQLite file; 0 elsewhere. */
  readonly logBytes: () => number
  /** Number of failed checkpoints. */
  readonly checkpointFailures: () => number
}

/** The health of the current store. */
export class StoreHealth extends Context.Tag("@onelane/sql/StoreHealth")<StoreHealth, StoreHealthShape>() {}

/** For a store without a log of its own. */
export const none: StoreHealthShape = { logBytes: () => 0, checkpointFailures: () => 0 }
