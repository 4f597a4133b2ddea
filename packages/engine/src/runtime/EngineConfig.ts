/**
 * EngineConfig: every limit of the engine, with unit and default. Owns no behaviour.
 */
import type { Capture } from "./AsyncContext.js"
import * as Fields from "./Fields.js"

/** Limits and timings of one engine. */
export interface EngineConfig {
  /** Unanswered messages per address before `MailboxFull` (scope `address`). Default 4,096. */
  readonly mailboxCapacity: number
  /** Unanswered messages of the whole engine before `MailboxFull` (scope `system`). Default 65,536. */
  readonly systemCapacity: number
  /**
   * Bytes of bodies (`Behavior.body`) in the unanswered messages of an address, and in its answers that wait for a
   * commit, before `MailboxFull`; exceeded by one message at most. Default 16 MiB.
   */
  readonly mailboxBytes: number
  /** The same for the whole engine. Default 128 MiB. */
  readonly systemBytes: number
  /** Bytes of the bodies of all active actors of one kind; above it idle ones are passivated early. Default 256 MiB. */
  readonly bodyBytes: number
  /** Active actors of one kind; at the limit idle ones are passivated early. Default 1,000,000. */
  readonly liveCapacity: number
  /** Entries of one journal append. Default 1,024. */
  readonly batchCapacity: number
  /** Bytes of bodies in one journal append of several entries. Default 8 MiB. */
  readonly batchBytes: number
  /**
   * Committed entries whose callers are notified in one turn of the event loop, with an asynchronous journal. Default
   * 128.
   */
  readonly settleSlice: number
  /** How long an actor stays in memory after its last turn, to within one sweep. Default 60,000. */
  readonly idleMillis: number
  /** Pause between two sweeps for idle actors, while any actor is active. Default 5,000. */
  readonly sweepMillis: number
  /** Actors inspected before a sweep yields. Default 10,000. */
  readonly sweepSlice: number
  /** How long answers are given within one turn of the event loop; later answers wait for the next turn. Default 5. */
  readonly valveMillis: number
  /** How often a command is decided again after another writer was first. Default 8. */
  readonly conflictRetries: number
  /** Events read from the journal at a time by a watcher. Default 100. */
  readonly changesPage: number
  /** How often a watcher polls a shared journal. Default 1,000. */
  readonly pollMillis: number
  /** How long `drain` waits for work in progress. Default 10,000. */
  readonly drainMillis: number
  /**
   * Runs a task soon, after the current turn of the event loop. Default `setImmediate`; a simulation brings its own.
   */
  readonly defer: (task: () => void) => void
  /** Captures the async context of a command that has to wait, so that ports run in it. Default null: not captured. */
  readonly asyncContext: Capture | null
}

const mebibyte = 1_048_576

/** The defaults. */
export const defaults: EngineConfig = {
  mailboxCapacity: 4_096,
  systemCapacity: 65_536,
  mailboxBytes: 16 * mebibyte,
  systemBytes: 128 * mebibyte,
  bodyBytes: 256 * mebibyte,
  liveCapacity: 1_000_000,
  batchCapacity: 1_024,
  batchBytes: 8 * mebibyte,
  settleSlice: 128,
  idleMillis: 60_000,
  sweepMillis: 5_000,
  sweepSlice: 10_000,
  valveMillis: 5,
  conflictRetries: 8,
  changesPage: 100,
  pollMillis: 1_000,
  drainMillis: 10_000,
  defer: setImmediate,
  asyncContext: null
}

const limit = (least: number): Fields.Field => ({
  is: `a whole number of at least ${least}, or infinity`,
  check: (value) => value === Number.POSITIVE_INFINITY || (Number.isInteger(value) && (value as number) >= least)
})

const [fromOne, fromZero] = [limit(1), limit(0)]

const fields: { readonly [Name in keyof EngineConfig]: Fields.Field } = {
  mailboxCapacity: fromOne,
  systemCapacity: fromOne,
  mailboxBytes: fromOne,
  systemBytes: fromOne,
  bodyBytes: fromZero,
  liveCapacity: fromOne,
  batchCapacity: fromOne,
  batchBytes: fromOne,
  settleSlice: fromOne,
  idleMillis: fromOne,
  sweepMillis: fromOne,
  sweepSlice: fromOne,
  valveMillis: fromZero,
  conflictRetries: fromZero,
  changesPage: fromOne,
  pollMillis: fromOne,
  drainMillis: fromOne,
  defer: Fields.func,
  asyncContext: { is: "a function or null", check: (value) => value === null || typeof value === "function" }
}

/** The defaults with some values replaced. Throws a `TypeError` that names the first invalid value. */
export const make = (overrides: Partial<EngineConfig> = {}): EngineConfig => {
  const config = { ...defaults, ...overrides }
  const fault = Fields.sentenceOf(config, fields)
  if (fault !== null) throw new TypeError(`engine config: ${fault}`)
  return config
}
