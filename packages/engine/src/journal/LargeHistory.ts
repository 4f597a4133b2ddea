/**
 * LargeHistory: sizes of the bodies in the events and records of one address in memory, oldest first, so that
 * JournalMemory can drop the oldest. An address without bodies has no LargeHistory.
 */
import * as JsonBytes from "../runtime/JsonBytes.js"

interface Sized<A> {
  readonly of: A
  readonly bytes: number
}

/** The count of one address. */
export interface LargeHistory {
  /** The last event that was dropped because of the size limit. */
  forgotten: number
  eventBytes: number
  readonly events: Array<Sized<number>>
  recordBytes: number
  readonly records: Array<Sized<string>>
  /** The body that was counted last: it is counted once for all consecutive records that share it. */
  counted: unknown
}

/** Creates the count of an address whose events up to `sequence` contain no body. */
export const make = (sequence: number): LargeHistory => ({
  forgotten: 0,
  eventBytes: 0,
  events: [{ of: sequence, bytes: 0 }],
  recordBytes: 0,
  records: [],
  counted: null
})

/** Counts the last events of the address. */
export const addEvents = (self: LargeHistory, sequence: number, events: ReadonlyArray<unknown>): void => {
  for (let index = 0; index < events.length; index++) {
    const bytes = JsonBytes.of(events[index])
    self.events.push({ of: sequence - events.length + 1 + index, bytes })
    self.eventBytes += bytes
  }
}

/**
 * Returns the events to drop so that the rest has at most `bytesAtMost`; the last one stays. Those up to `until` are
 * gone already.
 */
export const eventsBeyond = (self: LargeHistory, until: number, bytesAtMost: number): ReadonlyArray<number> => {
  const gone: Array<number> = []
  while (self.events.length > 1) {
    const { bytes, of } = self.events[0]!
    if (of > until && self.eventBytes <= bytesAtMost) break
    self.events.shift()
    self.eventBytes -= bytes
    if (of <= until) continue
    // Events between two counted ones are dropped with the older one.
    const next = self.events[0]!.of
    for (let sequence = Math.max(of, self.forgotten + 1); sequence < next; sequence++) gone.push(sequence)
    self.forgotten = next - 1
  }
  return gone
}

/** Counts a record: its event, and its body unless the record before has the same body. */
export const addRecord = (self: LargeHistory, digest: string, event: unknown, body: unknown): void => {
  const bytes = JsonBytes.of(event) + (body === self.counted ? 0 : JsonBytes.of(body))
  self.counted = body
  self.records.push({ of: digest, bytes })
  self.recordBytes += bytes
}

/** Returns the digests of the records to drop so that the rest has at most `bytesAtMost`; the last one stays. */
export const recordsBeyond = (self: LargeHistory, bytesAtMost: number): ReadonlyArray<string> => {
  const gone: Array<string> = []
  while (self.records.length > 1 && self.recordBytes > bytesAtMost) {
    const { bytes, of } = self.records.shift()!
    self.recordBytes -= bytes
    gone.push(of)
  }
  return gone
}
