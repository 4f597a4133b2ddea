/**
 * Journal: the interface to durable storage. Events per address in sequence, one state row per address, an index of
 * alarms.
 *
 * A4 fence: an append names the sequence it expects; the journal refuses any other, and any entry that records a digest
 * a second time. That guard is independent of turn-taking, so two engines over one journal cannot both commit.
 */

import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type { Address } from "../Address.js"

/**
 * The entry of one address in one append. `expectedSequence` is the sequence of the last event the writer knows (0:
 * none); the events take the numbers after it. `state` is the state after the last of them, `alarmMillis` when it is
 * due. Events and state are plain JSON values. One batch names an address at most once.
 */
export interface JournalEntry {
  readonly address: Address
  readonly expectedSequence: number
  readonly events: ReadonlyArray<unknown>
  readonly state: unknown
  readonly alarmMillis: number | null
  /** The digests this entry records, all different; absent: none. */
  readonly records?: ReadonlyArray<JournalRecord> | undefined
  /** Its change of the body, the part of the state that is stored apart (`Behavior.body`); absent: none. */
  readonly body?: JournalBody | undefined
}

/** An entry's change of the body of its address. */
export interface JournalBody {
  /** The body after the last event; null: there is none any more; undefined: the stored one stays. */
  readonly value: unknown
  /**
   * The sequence of the first event whose change the stored body then lacks; 0: it lacks none; undefined: as before.
   * Only where the journal allows it (`bodyLagEvents`).
   */
  readonly behindFrom: number | undefined
  /** Approximate bytes of this body and of the body parts in the events. */
  readonly bytes: number
}

/**
 * The record of a digest: the last event of the turn that recorded it, that event's sequence, and the state right after
 * it. A digest is 1..64 characters of base64url. It is recorded at most once at an address, and is kept as long as
 * its address, at least for the last `recordCapacity` ones.
 */
export interface JournalRecord {
  readonly digest: string
  readonly sequence: number
  readonly event: unknown
  readonly state: unknown
}

/** A digest that is recorded. `record` is null where the events up to `sequence` are all kept: fold them. */
export interface Recorded {
  readonly sequence: number
  readonly record: JournalRecord | null
}

/** A page of events ends with the event that brings it to this size, as JSON: about a mebibyte. */
export const pageBytes = 1_048_576

/** Most digests that a load returns. */
export const loadedDigests = 1_000

/** Records that every journal keeps per address; a journal with a limit drops the oldest. */
export const recordCapacity = 65_536

/**
 * The outcome of one entry: durable, or refused because the address is at another sequence or has one of the entry's
 * digests already (nothing was written).
 */
export type AppendOutcome = "committed" | "conflict"

/** The latest state of an address. */
export interface JournalRow {
  readonly sequence: number
  readonly state: unknown
  /** All digests recorded for it; null: more than `loadedDigests`, or not known, so each is looked up. */
  readonly digests: ReadonlyArray<string> | null
  /** The body, stored apart, and the events it lacks, oldest first; absent: there is none. */
  readonly body?: { readonly value: unknown; readonly since: ReadonlyArray<JournalEvent> } | undefined
}

/** One committed event. */
export interface JournalEvent {
  readonly sequence: number
  readonly event: unknown
}

/** An address that is due at `alarmMillis`. */
export interface JournalAlarm {
  readonly id: string
  readonly alarmMillis: number
}

/** An address with its latest sequence and state, as it is stored: without its body. */
export interface JournalStored {
  readonly id: string
  readonly sequence: number
  readonly state: unknown
}

/** Part of what is stored. `next`: where the next part begins; null at the end. */
export interface JournalSelection {
  readonly found: ReadonlyArray<JournalStored>
  readonly next: string | null
}

/** An address to remove, and the sequence of its last event as the remover knows it. */
export interface JournalRemoval {
  readonly id: string
  readonly sequence: number
}

/**
 * The journal failed. `applied: "no"` means that nothing of the call was or will be written; `"unknown"` that
 * some or all of it may be (lost answer, failed fsync). For a load both mean "not read".
 * `reason`: a stable code, for example `DISK_FULL`, `BUSY`, `FENCED`, `TIMEOUT`, `CORRUPT`, `CLOSED`, `IO`.
 */
export interface JournalFailure {
  readonly _tag: "JournalFailure"
  readonly applied: "no" | "unknown"
  readonly reason: string
  readonly cause?: unknown
}

/** Makes a `JournalFailure`. */
export const failure = (applied: "no" | "unknown", reason: string, cause?: unknown): JournalFailure =>
  cause === undefined ? { _tag: "JournalFailure", applied, reason } : { _tag: "JournalFailure", applied, reason, cause }

/**
 * Every journal passes `testkit/JournalSuite`.
 *
 * `append` is atomic per entry, not per batch: each entry is committed or a conflict, in batch order. When it
 * succeeds, all committed entries are durable. An effect that is already an `Exit` costs no suspension.
 */
export interface JournalShape {
  /** True if `append` is synchronous and cheap (memory): the engine then commits in the turn and does not gather. */
  readonly immediate: boolean
  /** True if nobody else writes these addresses; if false, the engine reads before an answer that writes nothing. */
  readonly exclusive: boolean
  /** Concurrent appends it accepts; no two name the same address. Default 1. */
  readonly appendsAtOnce?: number | undefined
  /** The store's own time, epoch milliseconds: expiry and deadlines follow it. Default: the clock of this process. */
  readonly nowMillis?: (() => number) | undefined
  /**
   * Most events that a stored body may lack; a load returns them with it. Default 0: the body is stored whenever it
   * changes.
   */
  readonly bodyLagEvents?: number | undefined
  readonly append: (batch: ReadonlyArray<JournalEntry>) => Effect.Effect<ReadonlyArray<AppendOutcome>, JournalFailure>
  readonly load: (address: Address) => Effect.Effect<JournalRow | null, JournalFailure>
  /** Looks a digest up; null: not recorded for this address. */
  readonly recorded: (address: Address, digest: string) => Effect.Effect<Recorded | null, JournalFailure>
  /**
   * Events after `afterSequence`, ascending: at most `limit`, and fewer where they are large (`pageBytes`), but at
   * least one.
   */
  readonly events: (
    address: Address,
    afterSequence: number,
    limit: number
  ) => Effect.Effect<ReadonlyArray<JournalEvent>, JournalFailure>
  /**
   * Addresses of `kind` whose alarm is at or before `beforeMillis`, ordered by alarm, then id, after `after`, at most
   * `limit`.
   */
  readonly alarms: (
    kind: string,
    beforeMillis: number,
    limit: number,
    after?: JournalAlarm
  ) => Effect.Effect<ReadonlyArray<JournalAlarm>, JournalFailure>
  /**
   * Scans the next part of the addresses of `kind`, those after `after` ("" for the first part), and returns the ones
   * that `wanted` accepts. The journal chooses the size of a part.
   */
  readonly select: (
    kind: string,
    after: string,
    wanted: (id: string, state: unknown) => boolean
  ) => Effect.Effect<JournalSelection, JournalFailure>
  /**
   * Removes addresses of `kind` with everything recorded for them, in one commit; at most `removalCapacity` addresses.
   * Fenced like an append (A4): an address at another sequence stays. Returns one answer per address: true if it is
   * gone.
   */
  readonly remove: (
    kind: string,
    removals: ReadonlyArray<JournalRemoval>
  ) => Effect.Effect<ReadonlyArray<boolean>, JournalFailure>
  /** Rewrites the journal's files, so that removed and replaced data can no longer be read from them. May take long. */
  readonly compact: Effect.Effect<void, JournalFailure>
}

/** Most addresses in one removal. */
export const removalCapacity = 1_000

/** The journal an engine writes to. */
export class Journal extends Context.Tag("@onelane/engine/Journal")<Journal, JournalShape>() {}
