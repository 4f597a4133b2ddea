/**
 * JournalMemory: a journal in memory. Nothing survives the process; otherwise it follows the contract.
 * A long history is bounded: an address keeps its last `historyCapacity` events, fewer where they hold more than `historyBytes`
 * of bodies, and asking for older ones is a typed failure (`HISTORY_FORGOTTEN`), never a silent gap. Records of digests are kept
 * apart from the history, the last `Journal.recordCapacity` per address. Where they hold more than `recordBytes` of bodies, the
 * oldest keep their digest only: it still cannot be recorded twice, but its answer is `HISTORY_FORGOTTEN`.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import type { Address } from "../Address.js"
import type {
  AppendOutcome,
  JournalAlarm,
  JournalEntry,
  JournalEvent,
  JournalFailure,
  JournalRecord,
  JournalRemoval,
  JournalRow,
  JournalSelection,
  JournalShape,
  JournalStored,
  Recorded
} from "./Journal.js"
import { failure, Journal, loadedDigests, recordCapacity } from "./Journal.js"
import * as LargeHistory from "./LargeHistory.js"

interface Record {
  sequence: number
  state: unknown
  /** The body; null: none. */
  body: unknown
  alarmMillis: number | null
  /** A ring: the event with sequence n is at (n - 1) modulo `historyCapacity`. */
  readonly events: Array<unknown>
  /** By digest, oldest first; null if there is none. */
  recorded: Map<string, Recorded> | null
  /** What history and records hold of bodies; null: nothing. */
  large: LargeHistory.LargeHistory | null
}

/** Events kept per address. Each survives garbage collections, is copied twice, and evicts other data from CPU caches. */
export const historyCapacity = 64

/** Bytes of bodies that the events of an address hold; one event more at most. */
export const historyBytes = 1_048_576

/** Bytes of bodies that the records of an address hold; one record more at most. */
export const recordBytes = 4 * 1_048_576

const nothing = Exit.succeed(null)
const committed = Exit.succeed<ReadonlyArray<AppendOutcome>>(["committed"])
const conflict = Exit.succeed<ReadonlyArray<AppendOutcome>>(["conflict"])

const byAlarm = (a: JournalAlarm, b: JournalAlarm): number =>
  a.alarmMillis - b.alarmMillis || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)

// By kind, then by id: the hash of an id is cached, that of a combined key is not.
interface Kind {
  readonly records: Map<string, Record>
  readonly armed: Map<string, number>
}

// There are few kinds, and mostly one of them is written.
interface Kinds {
  readonly byName: Map<string, Kind>
  last: string
  lastKind: Kind | undefined
}

const find = (kinds: Kinds, { kind, id }: Address): Record | undefined => {
  const found = kind === kinds.last ? kinds.lastKind : kinds.byName.get(kind)
  return found === undefined ? undefined : found.records.get(id)
}

const kindOf = (kinds: Kinds, name: string): Kind => {
  let kind = kinds.byName.get(name)
  if (kind === undefined) kinds.byName.set(name, (kind = { records: new Map(), armed: new Map() }))
  kinds.last = name
  kinds.lastKind = kind
  return kind
}

const isAnyRecorded = ({ recorded }: Record, records: ReadonlyArray<JournalRecord>): boolean =>
  recorded !== null && records.some(({ digest }) => recorded.has(digest))

const keep = (record: Record, records: ReadonlyArray<JournalRecord>): void => {
  record.recorded ??= new Map()
  for (const each of records) record.recorded.set(each.digest, { sequence: each.sequence, record: each })
  if (record.large !== null) {
    for (const { digest, event } of records) LargeHistory.addRecord(record.large, digest, event, record.body)
    for (const digest of LargeHistory.recordsBeyond(record.large, recordBytes)) {
      const kept = record.recorded.get(digest)
      if (kept !== undefined) record.recorded.set(digest, { sequence: kept.sequence, record: null })
    }
  }
  for (const digest of record.recorded.keys()) {
    if (record.recorded.size <= recordCapacity) return
    record.recorded.delete(digest)
  }
}

const appendOne = (kinds: Kinds, entry: JournalEntry): AppendOutcome => {
  const { address, events, alarmMillis, records } = entry
  let record = find(kinds, address)
  // A4 fence
  if ((record === undefined ? 0 : record.sequence) !== entry.expectedSequence) return "conflict"
  if (records !== undefined && record !== undefined && isAnyRecorded(record, records)) return "conflict"
  if (record === undefined) {
    // An array that starts with `push` has room for 17; most addresses have one event.
    record = {
      sequence: 0,
      state: null,
      body: null,
      alarmMillis: null,
      events: events.slice(0, historyCapacity),
      recorded: null,
      large: null
    }
    kindOf(kinds, address.kind).records.set(address.id, record)
  }
  for (let index = 0; index < events.length; index++) record.events[record.sequence++ % historyCapacity] = events[index]
  record.state = entry.state
  if (entry.body !== undefined) keepBody(record, entry.body.value, events)
  if (records !== undefined && records.length > 0) keep(record, records)
  if (record.alarmMillis !== alarmMillis) {
    record.alarmMillis = alarmMillis
    const { armed } = kindOf(kinds, address.kind)
    if (alarmMillis === null) armed.delete(address.id)
    else armed.set(address.id, alarmMillis)
  }
  return "committed"
}

const keepBody = (record: Record, body: unknown, events: ReadonlyArray<unknown>): void => {
  if (body !== undefined) record.body = body
  record.large ??= LargeHistory.make(record.sequence - events.length)
  LargeHistory.addEvents(record.large, record.sequence, events)
  for (const sequence of LargeHistory.eventsBeyond(record.large, record.sequence - historyCapacity, historyBytes))
    record.events[(sequence - 1) % historyCapacity] = undefined
}

const rowOf = ({ body, sequence, state, recorded }: Record): JournalRow => {
  const digests = recorded === null ? [] : recorded.size > loadedDigests ? null : [...recorded.keys()]
  return body === null ? { sequence, state, digests } : { sequence, state, digests, body: { value: body, since: [] } }
}

const eventsOf = (
  record: Record | undefined,
  afterSequence: number,
  limit: number
): Exit.Exit<ReadonlyArray<JournalEvent>, JournalFailure> => {
  if (record === undefined) return Exit.succeed([])
  const { large } = record
  const forgotten = Math.max(record.sequence - historyCapacity, large === null ? 0 : large.forgotten)
  if (afterSequence < forgotten) return Exit.fail(failure("no", "HISTORY_FORGOTTEN"))
  const page: Array<JournalEvent> = []
  for (let before = afterSequence; before < record.sequence && page.length < limit; before++)
    page.push({ sequence: before + 1, event: record.events[before % historyCapacity] })
  return Exit.succeed(page)
}

const dueOf = (kind: Kind | undefined, beforeMillis: number, after: JournalAlarm | undefined): Array<JournalAlarm> => {
  const due: Array<JournalAlarm> = []
  for (const [id, alarmMillis] of kind?.armed ?? []) {
    const alarm: JournalAlarm = { id, alarmMillis }
    if (alarmMillis <= beforeMillis && (after === undefined || byAlarm(after, alarm) < 0)) due.push(alarm)
  }
  return due.sort(byAlarm)
}

const selectOf = (kind: Kind | undefined, wanted: (id: string, state: unknown) => boolean): JournalSelection => {
  const found: Array<JournalStored> = []
  for (const [id, { sequence, state }] of kind?.records ?? [])
    if (wanted(id, state)) found.push({ id, sequence, state })
  return { found, next: null }
}

const removeOne = (kind: Kind | undefined, { id, sequence }: JournalRemoval): boolean => {
  const record = kind?.records.get(id)
  if (kind === undefined || record === undefined) return true
  if (record.sequence !== sequence) return false // A4 fence
  kind.armed.delete(id)
  return kind.records.delete(id)
}

/** Makes an empty memory journal. */
export const make = (): JournalShape => {
  const kinds: Kinds = { byName: new Map(), last: "", lastKind: undefined }
  return {
    immediate: true,
    exclusive: true,
    append: (batch) => {
      if (batch.length !== 1) return Exit.succeed(batch.map((entry) => appendOne(kinds, entry)))
      return appendOne(kinds, batch[0]!) === "committed" ? committed : conflict
    },
    load: (address) => {
      const record = find(kinds, address)
      return record === undefined ? nothing : Exit.succeed(rowOf(record))
    },
    recorded: (address, digest) => {
      const found = find(kinds, address)?.recorded?.get(digest)
      return found === undefined ? nothing : Exit.succeed(found)
    },
    events: (address, afterSequence, limit) =>
      Effect.suspend(() => eventsOf(find(kinds, address), afterSequence, limit)),
    alarms: (kind, beforeMillis, limit, after) =>
      Effect.sync(() => dueOf(kinds.byName.get(kind), beforeMillis, after).slice(0, limit)),
    select: (kind, _after, wanted) => Effect.sync(() => selectOf(kinds.byName.get(kind), wanted)),
    remove: (kind, removals) =>
      Effect.sync(() => removals.map((removal) => removeOne(kinds.byName.get(kind), removal))),
    compact: Exit.void
  }
}

/** A fresh memory journal. */
export const layer: Layer.Layer<Journal> = Layer.sync(Journal, make)
