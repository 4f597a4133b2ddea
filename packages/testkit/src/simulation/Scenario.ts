/**
 * Scenario: what one simulated run is made of, drawn from its seed. Each run has only some of the faults and features
 * (swarm testing): a bug that one feature hides is found where that feature is missing.
 *
 * Owns the ranges. Source: A. Groce et al., "Swarm Testing", 2012; TARGETS, "Faults and load".
 */
import { appendFaults, type Fault } from "@onelane/testing/JournalFaults"
import type { Seeded } from "@onelane/testing/Seeded"

/** One run. Rates are per call, 0..1. */
export interface Scenario {
  readonly clients: number
  readonly callsPerClient: number
  readonly sessions: number
  /** Engines over one journal; with two, neither may assume that it is the only writer. */
  readonly engines: number
  /** The journal is synchronous, so that turns commit alone; else commits are batched. */
  readonly immediate: boolean
  readonly tasks: boolean
  /** Life of a session, milliseconds; null: for ever. */
  readonly expiresInMillis: number | null
  /** How often the process is killed and started again. */
  readonly kills: number
  /** How often the clock is set, far forward or a little back. */
  readonly clockJumps: number
  readonly faults: Partial<Record<Fault, number>>
  /** Access and cart answers that take a while, and that fail. */
  readonly slowPorts: number
  readonly failingPorts: number
  readonly interruptions: number
  readonly keys: number
  readonly versions: number
  readonly cancels: number
  /** Most operations between two forced yields of a fiber; infinity: none. */
  readonly yieldOperations: number
  /** Longest delay of anything slow, milliseconds. */
  readonly slowMillis: number
  /** How many appends the journal takes at once. */
  readonly appendsAtOnce: number
  /** Clock error of each engine, milliseconds; missing: 0. Only with several engines. */
  readonly skewsMillis: ReadonlyArray<number>
  /** Whether several engines use the time of their store, as they should. */
  readonly storeTime: boolean
  /**
   * How often a caller repeats one of its earlier calls with the same key, however old. Above 0, all writing actions
   * have keys, and carts are opened again.
   */
  readonly repeats: number
  /** Some states proceed, work is for some next states only, and results choose (Chains). */
  readonly chains: boolean
  /** After the first kill, a new version of the flow renames a state. Only without chains. */
  readonly migrates: boolean
  /** Who writes session data. */
  readonly data: "nobody" | "callers" | "callers and tasks"
  readonly engine: {
    readonly idleMillis: number
    readonly sweepMillis: number
    readonly liveCapacity: number
    readonly mailboxCapacity: number
    readonly batchCapacity: number
    readonly settleSlice: number
  }
}

/** Draws a run. */
export const draw = (seeded: Seeded): Scenario => {
  const often = (rate: number): number => (seeded.chance(0.5) ? rate : 0)
  const faults: Partial<Record<Fault, number>> = {}
  for (const fault of [...appendFaults, "slow read", "unreadable"] as const) {
    const rate = often(seeded.pick([0.02, 0.1, 0.3]))
    if (rate > 0) faults[fault] = rate
  }
  const engines = seeded.chance(0.3) ? 2 : 1
  return {
    clients: seeded.between(2, 8),
    callsPerClient: seeded.between(4, 14),
    sessions: seeded.between(1, 4),
    engines,
    immediate: seeded.chance(0.4),
    tasks: seeded.chance(0.4),
    expiresInMillis: seeded.chance(0.15) ? seeded.between(200, 5_000) : null,
    kills: seeded.chance(0.4) ? seeded.between(1, 3) : 0,
    clockJumps: seeded.chance(0.1) ? seeded.between(1, 2) : 0,
    faults: seeded.chance(0.15) ? {} : faults,
    slowPorts: often(0.3),
    failingPorts: often(0.05),
    interruptions: often(0.1),
    keys: seeded.pick([0, 0.5, 1]),
    versions: often(0.3),
    cancels: often(0.02),
    yieldOperations: seeded.pick([8, 60, 300, Number.POSITIVE_INFINITY]),
    slowMillis: seeded.pick([1, 10, 100]),
    engine: {
      idleMillis: seeded.pick([1, 50, 60_000]),
      sweepMillis: seeded.pick([5, 50, 5_000]),
      liveCapacity: seeded.pick([1, 2, 1_000]),
      mailboxCapacity: seeded.pick([2, 4_096]),
      batchCapacity: seeded.pick([1, 2, 1_024]),
      settleSlice: seeded.pick([1, 2, 128])
    },
    appendsAtOnce: seeded.pick([1, 2, 3]),
    skewsMillis: seeded.chance(0.5) ? [0, seeded.pick([-1, 1]) * seeded.between(2_000, 7_200_000)] : [],
    storeTime: true,
    repeats: often(seeded.pick([0.1, 0.3])),
    chains: seeded.chance(0.4),
    data: seeded.pick(["nobody", "callers", "callers and tasks"]),
    migrates: seeded.chance(0.4)
  }
}
