/**
 * JournalFaults: wraps a journal and injects faults. Every fault leaves a state that a real store could be in, and the
 * answers are true: `applied: "no"` is returned only if nothing was or will be written.
 *
 * Owns the faults; the plan chooses which one happens when.
 */
import { Journal } from "@onelane/engine"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { Seeded } from "./Seeded.js"

/** What can happen to an append. */
export const appendFaults = [
  /** Written after a delay. */
  "slow write",
  /** Written, and answered after a delay. */
  "slow answer",
  /** Refused before anything was written. */
  "refused",
  /** Written, but the outcome is unknown. */
  "lost answer",
  /** Not written, but the outcome is unknown. */
  "lost write",
  /** The outcome is unknown; it is written later, if its sequence is still free. */
  "late write",
  /** Another writer was first. */
  "conflict",
  /** A part of the batch is written, and the outcome is unknown. */
  "torn"
] as const

/** What can happen to an append. */
export type AppendFault = (typeof appendFaults)[number]

/** What can happen to a read. */
export type ReadFault = "slow read" | "unreadable"

/** The name of a fault. */
export type Fault = AppendFault | ReadFault

/** Chooses faults, one call at a time; null: none. */
export interface FaultPlan {
  readonly append: () => AppendFault | null
  readonly read: () => ReadFault | null
  /** The delay of a slow operation, milliseconds. */
  readonly millis: () => number
  /** The number of entries of a torn batch that are written, at most `entries`. */
  readonly written: (entries: number) => number
}

/** A plan whose faults can be switched off, and counts them. */
export interface SeededPlan extends FaultPlan {
  enabled: boolean
  readonly counts: Map<Fault, number>
}

/** A plan from rates (0..1 per call) and a seed. */
export const seeded = (source: Seeded, rates: Partial<Record<Fault, number>>, mostMillis: number): SeededPlan => {
  const counts = new Map<Fault, number>()
  const choose = <F extends Fault>(faults: ReadonlyArray<F>): F | null => {
    const fault = plan.enabled ? faults.find((each) => source.chance(rates[each] ?? 0)) : undefined
    if (fault === undefined) return null
    counts.set(fault, (counts.get(fault) ?? 0) + 1)
    return fault
  }
  const plan: SeededPlan = {
    enabled: true,
    counts,
    append: () => choose(appendFaults),
    read: () => choose(["slow read", "unreadable"]),
    millis: () => source.between(1, mostMillis),
    written: (entries) => source.below(entries + 1)
  }
  return plan
}

/** Wraps a journal with a plan's faults; `traits` overrides some of its properties. */
export const wrap = (
  journal: Journal.JournalShape,
  plan: FaultPlan,
  traits: Partial<Pick<Journal.JournalShape, "immediate" | "exclusive" | "appendsAtOnce">> = {}
): Journal.JournalShape => ({
  ...journal,
  ...traits,
  append: (batch) => appendWith(journal, plan, batch, plan.append()),
  load: (address) => readWith(plan, () => journal.load(address)),
  recorded: (address, digest) => readWith(plan, () => journal.recorded(address, digest)),
  events: (address, afterSequence, limit) => readWith(plan, () => journal.events(address, afterSequence, limit)),
  alarms: (kind, beforeMillis, limit, after) => readWith(plan, () => journal.alarms(kind, beforeMillis, limit, after)),
  select: (kind, after, wanted) => readWith(plan, () => journal.select(kind, after, wanted)),
  remove: (kind, removals) => readWith(plan, () => journal.remove(kind, removals))
})

type Appending = ReturnType<Journal.JournalShape["append"]>

const unknown = Exit.fail(Journal.failure("unknown", "TIMEOUT"))

const appendWith = (
  journal: Journal.JournalShape,
  plan: FaultPlan,
  batch: ReadonlyArray<Journal.JournalEntry>,
  fault: AppendFault | null
): Appending => {
  switch (fault) {
    case null:
      return journal.append(batch)
    case "slow write":
      return Effect.delay(
        Effect.suspend(() => journal.append(batch)),
        plan.millis()
      )
    case "slow answer":
      return Effect.flatMap(Effect.exit(journal.append(batch)), (exit) => Effect.delay(exit, plan.millis()))
    case "refused":
      return Exit.fail(Journal.failure("no", "BUSY"))
    case "lost answer":
      return Effect.zipRight(Effect.exit(journal.append(batch)), unknown)
    case "lost write":
      return unknown
    case "late write": {
      const late = Effect.delay(
        Effect.suspend(() => journal.append(batch)),
        plan.millis()
      )
      return Effect.zipRight(Effect.forkDaemon(Effect.ignore(late)), unknown)
    }
    case "conflict":
      return Exit.succeed(batch.map(() => "conflict" as const))
    case "torn": {
      const written = batch.slice(0, plan.written(batch.length))
      return written.length === 0 ? unknown : Effect.zipRight(Effect.exit(journal.append(written)), unknown)
    }
  }
}

const readWith = <A>(
  plan: FaultPlan,
  read: () => Effect.Effect<A, Journal.JournalFailure>
): Effect.Effect<A, Journal.JournalFailure> => {
  switch (plan.read()) {
    case null:
      return read()
    case "slow read":
      return Effect.delay(Effect.suspend(read), plan.millis())
    case "unreadable":
      return Exit.fail(Journal.failure("no", "IO"))
  }
}

/**
 * A journal connection that can be cut, like that of a killed process: afterwards nothing is written or read through
 * it.
 */
export interface Cuttable {
  readonly journal: Journal.JournalShape
  readonly cut: () => void
}

/** Makes the connection of one process to a journal. */
export const cuttable = (journal: Journal.JournalShape): Cuttable => {
  let isCut = false
  const gone = Exit.fail(Journal.failure("unknown", "CLOSED"))
  const through = <A>(
    call: () => Effect.Effect<A, Journal.JournalFailure>
  ): Effect.Effect<A, Journal.JournalFailure> => (isCut ? gone : call())
  return {
    cut: () => {
      isCut = true
    },
    journal: {
      ...journal,
      append: (batch) => through(() => journal.append(batch)),
      load: (address) => through(() => journal.load(address)),
      recorded: (address, digest) => through(() => journal.recorded(address, digest)),
      events: (address, afterSequence, limit) => through(() => journal.events(address, afterSequence, limit)),
      alarms: (kind, beforeMillis, limit, after) => through(() => journal.alarms(kind, beforeMillis, limit, after)),
      select: (kind, after, wanted) => through(() => journal.select(kind, after, wanted)),
      remove: (kind, removals) => through(() => journal.remove(kind, removals)),
      compact: Effect.suspend(() => through(() => journal.compact))
    }
  }
}
