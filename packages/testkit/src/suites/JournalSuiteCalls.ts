/**
 * JournalSuiteCalls: the calls and entries that `JournalSuite` is made of.
 */
import { Address, Journal } from "@onelane/engine"
import { Effect } from "effect"

/** Registers one test on a store of its own. */
export type Test = (title: string, body: Effect.Effect<void, unknown, Journal.Journal>) => void

/** An address. */
export const at = (id: string, kind = "Thing"): Address.Address => Address.make(kind, id)

/** One event more at an address, and its number as the state. */
export const entry = (
  id: string,
  expectedSequence: number,
  more: Partial<Journal.JournalEntry> = {}
): Journal.JournalEntry => ({
  address: at(id),
  expectedSequence,
  events: [{ number: expectedSequence + 1 }],
  state: { number: expectedSequence + 1 },
  alarmMillis: null,
  ...more
})

/** Appends to the journal in force. */
export const append = (...batch: ReadonlyArray<Journal.JournalEntry>) =>
  Effect.flatMap(Journal.Journal, (journal) => journal.append(batch))
/** Loads a row. */
export const row = (id: string, kind?: string) =>
  Effect.flatMap(Journal.Journal, (journal) => journal.load(at(id, kind)))
/** The row without its digests, which have tests of their own. */
export const load = (id: string, kind?: string) =>
  Effect.map(row(id, kind), (found) => (found === null ? null : { sequence: found.sequence, state: found.state }))
/** Looks a digest up. */
export const recorded = (id: string, digest: string, kind?: string) =>
  Effect.flatMap(Journal.Journal, (journal) => journal.recorded(at(id, kind), digest))

/** A page of events. */
export const eventsOf = (id: string, after = 0, limit = 1_000) =>
  Effect.flatMap(Journal.Journal, (journal) => journal.events(at(id), after, limit))
/** A page of alarms. */
export const alarmsOf = (before: number, limit = 1_000, after?: Journal.JournalAlarm, kind = "Thing") =>
  Effect.flatMap(Journal.Journal, (journal) => journal.alarms(kind, before, limit, after))

/** Records of one event. */
export const recording = (sequence: number, ...digests: ReadonlyArray<string>): ReadonlyArray<Journal.JournalRecord> =>
  digests.map((digest) => ({ digest, sequence, event: { number: sequence }, state: { number: sequence } }))

/** The digests a load gives, sorted. */
export const digestsOf = (id: string) => Effect.map(row(id), (found) => [...(found?.digests ?? [])].sort())
