/**
 * StoreHealth: what a store says of itself to those who watch it.
 */
import * as Context from "effect/Context"

/** Numbers, read when somebody looks. */
export interface StoreHealthShape {
  /** Bytes of the write-ahead log beside an SQLite file; 0 elsewhere. */
  readonly logBytes: () => number
  /** How often the log could not be carried into the file. */
  readonly checkpointFailures: () => number
}

/** The health of the store in force. */
export class StoreHealth extends Context.Tag("@onelane/sql/StoreHealth")<StoreHealth, StoreHealthShape>() {}

/** Of a store without a log of its own. */
export const none: StoreHealthShape = { logBytes: () => 0, checkpointFailures: () => 0 }
