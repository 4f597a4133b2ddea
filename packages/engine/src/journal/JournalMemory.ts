/**
 * JournalMemory: a journal in memory. Nothing survives the process; otherwise it follows the contract. The history is
 * bounded: an address keeps its last `historyCapacity` events, or fewer if their bodies exceed `historyBytes`. A
 * request for older events fails with `HISTORY_FORGOTTEN`, never with a silent gap. Records of digests are kept apart
 * from the history, the last `Journal.recordCapacity` per address. If their bodies exceed `recordBytes`, the oldest
 * records keep their digest only: it still cannot be recorded twice, but a lookup of it fails with `HISTORY_FORGOTTEN`.
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

// Every kept byte is paid three times: two copies by the garbage collector, and a fresh page. So an address with a
// single event, such as a cart after its open, has neither an array of events nor a `More` object.
interface Record {
  sequence: number
  state: unknown
  alarmMillis: number | null
  /** The first event, while it is the only one. */
  only: unknown
  /** A ring: the event with sequence n is at (n - 1) modulo `historyCapacity`; null while there is one event. */
  events: Array<unknown> | null
  /** Data that few addresses have; null: none. */
  more: More | null
}

interface More {
  /** The body; null: none. */
  body: unknown
  /** By digest, oldest first; null if there is none. */
  recorded: Map<string, Recorded> | null
  /** Sizes of the bodies in history and records; null: no bodies. */
  large: LargeHistory.LargeHistory | null
}

const moreOf = (record: Record): More => {
  record.more ??= { body: null, recorded: null, large: null }
  return record.more
}

/**
 * Events kept per address. Each survives garbage collections, is copied twice, and evicts other data from CPU caches.
 */
export const historyCapacity = 64

/** Most bytes of bodies in the events of an address; exceeded by one event at most. */
export const historyBytes = 1_048_576

/** Most bytes of bodies in the records of an address; exceeded by one record at most. */
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

// There are few kinds, and mostly the same one is used again, so the last one is cached.
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

const recordedOf = ({ more }: Record): Map<string, Recorded> | null => (more === null ? null : more.recorded)

const isAnyRecorded = (record: Record, records: ReadonlyArray<JournalRecord>): boolean => {
  const recorded = recordedOf(record)
  return recorded !== null && records.some(({ digest }) => recorded.has(digest))
}

const keep = (more: More, records: ReadonlyArray<JournalRecord>): void => {
  more.recorded ??= new Map()
  const { body, large, recorded } = more
  for (const each of records) recorded.set(each.digest, { sequence: each.sequence, record: each })
  if (large !== null) {
    for (const { digest, event } of records) LargeHistory.addRecord(large, digest, event, body)
    for (const digest of LargeHistory.recordsBeyond(large, recordBytes)) {
      const kept = recorded.get(digest)
      if (kept !== undefined) recorded.set(digest, { sequence: kept.sequence, record: null })
    }
  }
  for (const digest of recorded.keys()) {
    if (recorded.size <= recordCapacity) return
    recorded.delete(digest)
  }
}

// `from`: 1 if the record was just created with its first event.
const addEvents = (record: Record, events: ReadonlyArray<unknown>, from: number): void => {
  if (from >= events.length) return
  record.events ??= record.sequence === 0 ? [] : [record.only]
  record.only = undefined
  for (let index = from; index < events.length; index++)
    record.events[record.sequence++ % historyCapacity] = events[index]
}

const appendOne = (kinds: Kinds, entry: JournalEntry): AppendOutcome => {
  const { address, events, alarmMillis, records } = entry
  let record = find(kinds, address)
  // A4 fence
  if ((record === undefined ? 0 : record.sequence) !== entry.expectedSequence) return "conflict"
  if (records !== undefined && record !== undefined && isAnyRecorded(record, records)) return "conflict"
  let from = 0
  if (record === undefined) {
    from = Math.min(1, events.length)
    record = { sequence: from, state: null, alarmMillis: null, only: events[0], events: null, more: null }
    kindOf(kinds, address.kind).records.set(address.id, record)
  }
  addEvents(record, events, from)
  record.state = entry.state
  if (entry.body !== undefined) keepBody(record, entry.body.value, events)
  if (records !== undefined && records.length > 0) keep(moreOf(record), records)
  if (record.alarmMillis !== alarmMillis) {
    record.alarmMillis = alarmMillis
    const { armed } = kindOf(kinds, address.kind)
    if (alarmMillis === null) armed.delete(address.id)
    else armed.set(address.id, alarmMillis)
  }
  return "committed"
}

const keepBody = (record: Record, body: unknown, events: ReadonlyArray<unknown>): void => {
  const more = moreOf(record)
  if (body !== undefined) more.body = body
  more.large ??= LargeHistory.make(record.sequence - events.length)
  LargeHistory.addEvents(more.large, record.sequence, events)
  for (const sequence of LargeHistory.eventsBeyond(more.large, record.sequence - historyCapacity, historyBytes))
    if (record.events !== null) record.events[(sequence - 1) % historyCapacity] = undefined
}

const noDigests: ReadonlyArray<string> = []

const rowOf = (record: Record): JournalRow => {
  const { more, sequence, state } = record
  if (more === null) return { sequence, state, digests: noDigests }
  const { body, recorded } = more
  const digests = recorded === null ? noDigests : recorded.size > loadedDigests ? null : [...recorded.keys()]
  return body === null ? { sequence, state, digests } : { sequence, state, digests, body: { value: body, since: [] } }
}

const eventsOf = (
  record: Record | undefined,
  afterSequence: number,
  limit: number
): Exit.Exit<ReadonlyArray<JournalEvent>, JournalFailure> => {
  if (record === undefined) return Exit.succeed([])
  const { events, more, only } = record
  const large = more === null ? null : more.large
  const forgotten = Math.max(record.sequence - historyCapacity, large === null ? 0 : large.forgotten)
  if (afterSequence < forgotten) return Exit.fail(failure("no", "HISTORY_FORGOTTEN"))
  const page: Array<JournalEvent> = []
  for (let before = afterSequence; before < record.sequence && page.length < limit; before++)
    page.push({ sequence: before + 1, event: events === null ? only : events[before % historyCapacity] })
  return Exit.succeed(page)
}

const dueOf = (
  kind: Kind | undefined,
  beforeMillis: number,
  limit: number,
  after: JournalAlarm | undefined
): Array<JournalAlarm> => {
  const due: Array<JournalAlarm> = []
  for (const [id, alarmMillis] of kind?.armed ?? []) {
    if (alarmMillis > beforeMillis) continue
    const alarm: JournalAlarm = { id, alarmMillis }
    if (after !== undefined && byAlarm(after, alarm) >= 0) continue
    // Alarms asks for the earliest one after every round (`limit` 1); that needs no sort.
    if (limit > 1 || due.length === 0) due.push(alarm)
    else if (byAlarm(alarm, due[0]!) < 0) due[0] = alarm
  }
  return due.sort(byAlarm).slice(0, limit)
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
      const record = find(kinds, address)
      const found = record === undefined ? undefined : recordedOf(record)?.get(digest)
      return found === undefined ? nothing : Exit.succeed(found)
    },
    events: (address, afterSequence, limit) =>
      Effect.suspend(() => eventsOf(find(kinds, address), afterSequence, limit)),
    alarms: (kind, beforeMillis, limit, after) =>
      Effect.sync(() => dueOf(kinds.byName.get(kind), beforeMillis, limit, after)),
    select: (kind, _after, wanted) => Effect.sync(() => selectOf(kinds.byName.get(kind), wanted)),
    remove: (kind, removals) =>
      Effect.sync(() => removals.map((removal) => removeOne(kinds.byName.get(kind), removal))),
    compact: Exit.void
  }
}

/** A fresh memory journal. */
export const layer: Layer.Layer<Journal> = Layer.sync(Journal, make)
