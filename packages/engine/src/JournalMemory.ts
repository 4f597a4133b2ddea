/**
 * JournalMemory: the journal in this process's memory. Nothing survives the process; everything else is the contract.
 * A long history is bounded: an address keeps its last `historyCapacity` events at least, and asking for older ones is a
 * typed failure, never a silent gap.
 */
import { Effect, Exit, Layer } from "effect"
import type { Address } from "./Address.js"
import type { AppendOutcome, JournalAlarm, JournalEntry, JournalEvent, JournalRow, JournalShape } from "./Journal.js"
import { failure, Journal } from "./Journal.js"

interface Record extends JournalRow {
  sequence: number
  state: unknown
  alarmMillis: number | null
  /** Events that were let go: `events[0]` has the sequence after it. */
  forgotten: number
  events: Array<unknown>
}

/** Events one address keeps at least; a busy address in memory costs the garbage collector what it keeps. */
export const historyCapacity = 1_000

const nothing = Exit.succeed(null)
const committed = Exit.succeed<ReadonlyArray<AppendOutcome>>(["committed"])
const conflict = Exit.succeed<ReadonlyArray<AppendOutcome>>(["conflict"])

const byAlarm = (a: JournalAlarm, b: JournalAlarm): number =>
  a.alarmMillis - b.alarmMillis || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)

const forget = (record: Record): void => {
  record.events = record.events.slice(historyCapacity)
  record.forgotten += historyCapacity
}

/** Makes an empty memory journal. */
export const make = (): JournalShape => {
  // By kind, then by id: an id is a string that is hashed already, a key put together for the look-up is not.
  const records = new Map<string, Map<string, Record>>()
  const armed = new Map<string, Map<string, number>>()

  const recordsOf = (kind: string): Map<string, Record> => {
    let ofKind = records.get(kind)
    if (ofKind === undefined) records.set(kind, (ofKind = new Map()))
    return ofKind
  }

  const find = ({ kind, id }: Address): Record | undefined => records.get(kind)?.get(id)

  const arm = (address: Address, alarmMillis: number | null): void => {
    const ofKind = armed.get(address.kind)
    if (alarmMillis === null) ofKind?.delete(address.id)
    else if (ofKind) ofKind.set(address.id, alarmMillis)
    else armed.set(address.kind, new Map([[address.id, alarmMillis]]))
  }

  const appendOne = (entry: JournalEntry): AppendOutcome => {
    let record = find(entry.address)
    // A4 fence
    if ((record === undefined ? 0 : record.sequence) !== entry.expectedSequence) return "conflict"
    if (record === undefined) {
      record = { sequence: 0, state: null, alarmMillis: null, forgotten: 0, events: [] }
      recordsOf(entry.address.kind).set(entry.address.id, record)
    }
    for (const event of entry.events) record.events.push(event)
    if (record.events.length >= 2 * historyCapacity) forget(record)
    record.sequence += entry.events.length
    record.state = entry.state
    if (record.alarmMillis !== entry.alarmMillis) {
      record.alarmMillis = entry.alarmMillis
      arm(entry.address, entry.alarmMillis)
    }
    return "committed"
  }

  return {
    immediate: true,
    exclusive: true,
    append: (batch) => {
      if (batch.length !== 1) return Exit.succeed(batch.map(appendOne))
      return appendOne(batch[0]!) === "committed" ? committed : conflict
    },
    load: (address) => {
      const record = find(address)
      return record === undefined ? nothing : Exit.succeed({ sequence: record.sequence, state: record.state })
    },
    events: (address, afterSequence, limit) =>
      Effect.suspend(() => {
        const record = find(address)
        if (record === undefined) return Exit.succeed([])
        const first = afterSequence - record.forgotten
        if (first < 0) return Exit.fail(failure("no", "HISTORY_FORGOTTEN"))
        const page = record.events.slice(first, first + limit)
        return Exit.succeed(page.map((event, index): JournalEvent => ({ sequence: afterSequence + index + 1, event })))
      }),
    alarms: (kind, beforeMillis, limit, after) =>
      Effect.sync(() => {
        const due: Array<JournalAlarm> = []
        for (const [id, alarmMillis] of armed.get(kind) ?? []) {
          const alarm: JournalAlarm = { id, alarmMillis }
          if (alarmMillis <= beforeMillis && (after === undefined || byAlarm(after, alarm) < 0)) due.push(alarm)
        }
        return due.sort(byAlarm).slice(0, limit)
      })
  }
}

/** A fresh memory journal. */
export const layer: Layer.Layer<Journal> = Layer.sync(Journal, make)
