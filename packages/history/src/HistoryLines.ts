/**
 * HistoryLines: a history as text, one operation per line (JSON Lines), to store, send and check elsewhere.
 *
 * Owns the form of a line and its bounds. Each line is validated: an invalid line is refused with its number. Does not
 * own files (the command line reads them) or the check (Linearizable).
 */
import type { History, Operation } from "./History.js"
import * as OperationShape from "./OperationShape.js"

/** Limits of a text. */
export interface HistoryLimits {
  /** Bytes of the whole text. Default 268,435,456. */
  readonly textMaxBytes: number
  /** Bytes of one line. Default 1,048,576. */
  readonly lineMaxBytes: number
  /** Operations. Default 1,000,000. */
  readonly operationsMaxCount: number
}

/** The default limits. */
export const defaults: HistoryLimits = Object.freeze({
  textMaxBytes: 268_435_456,
  lineMaxBytes: 1_048_576,
  operationsMaxCount: 1_000_000
})

/** Why a text is no valid history. Nothing of it was used. */
export interface HistoryRefused {
  readonly _tag: "HistoryRefused"
  /** The line, from 1 on. */
  readonly line: number
  readonly message: string
}

/** A parsed history, or the refusal. */
export type Reading =
  | { readonly ok: true; readonly value: History }
  | { readonly ok: false; readonly error: HistoryRefused }

/** Parses a history in pieces. */
export interface Reader {
  /** Parses the next bytes. Returns the first refusal, or null; ignores further bytes after a refusal. */
  readonly push: (bytes: Uint8Array) => HistoryRefused | null
  /** Ends the text and returns the result. */
  readonly end: () => Reading
}

/** One operation as a line of JSON, without the line break. A call that never ended has no `returned`. */
export const lineOf = (operation: Operation): string =>
  JSON.stringify(operation, (_, value) => (value === Number.POSITIVE_INFINITY ? undefined : value))

/** A history as text: a line for each operation, in their order. */
export const toText = (history: History): string => history.map((each) => `${lineOf(each)}\n`).join("")

const lineFeed = 0x0a

/** Creates a reader. Empty lines are skipped. */
export const reader = (limits: Partial<HistoryLimits> = {}): Reader => {
  const { lineMaxBytes, operationsMaxCount, textMaxBytes } = { ...defaults, ...limits }
  const decoder = new TextDecoder("utf-8", { fatal: true })
  const operations: Array<Operation> = []
  let pieces: Array<Uint8Array> = []
  let pending = 0
  let bytesRead = 0
  let line = 1
  let refused: HistoryRefused | null = null
  const refuse = (message: string): HistoryRefused => (refused = { _tag: "HistoryRefused", line, message })
  const take = (): HistoryRefused | null => {
    const bytes = joined(pieces, pending)
    pieces = []
    pending = 0
    const text = decodedBy(decoder, bytes)
    if (text === null) return refuse("the line is not UTF-8")
    if (text.trim() !== "") {
      if (operations.length === operationsMaxCount) return refuse(`more than ${operationsMaxCount} operations`)
      const read = OperationShape.parse(text)
      if (typeof read === "string") return refuse(read)
      operations.push(read)
    }
    line++
    return null
  }
  return {
    push: (bytes) => {
      for (let from = 0; refused === null && from < bytes.length; ) {
        const found = bytes.indexOf(lineFeed, from)
        const to = found === -1 ? bytes.length : found
        bytesRead += to - from + (found === -1 ? 0 : 1)
        if (bytesRead > textMaxBytes) return refuse(`the text has more than ${textMaxBytes} bytes`)
        if (pending + to - from > lineMaxBytes) return refuse(`the line has more than ${lineMaxBytes} bytes`)
        // A copy: a stream may reuse the memory of its pieces.
        if (to > from) pieces.push(bytes.slice(from, to))
        pending += to - from
        if (found !== -1) take()
        from = to + 1
      }
      return refused
    },
    end: () => {
      if (refused === null && pending > 0) take()
      return refused === null ? { ok: true, value: operations.slice() } : { ok: false, error: refused }
    }
  }
}

const joined = (pieces: ReadonlyArray<Uint8Array>, length: number): Uint8Array => {
  if (pieces.length === 1) return pieces[0]!
  const whole = new Uint8Array(length)
  let at = 0
  for (const piece of pieces) {
    whole.set(piece, at)
    at += piece.length
  }
  return whole
}

const decodedBy = (decoder: InstanceType<typeof TextDecoder>, bytes: Uint8Array): string | null => {
  try {
    return decoder.decode(bytes)
  } catch {
    return null
  }
}

/** Reads a whole text. */
export const fromText = (text: string, limits: Partial<HistoryLimits> = {}): Reading => {
  const reading = reader(limits)
  reading.push(new TextEncoder().encode(text))
  return reading.end()
}
