/**
 * Events: parses server-sent events from a stream of text in pieces of any size. Comments are dropped.
 */
import { answerMaxBytes } from "./Wire.js"

/** One event. */
export interface Event {
  readonly name: string
  readonly data: string
}

/**
 * Parses pieces of text; each call returns the events that it completed. Throws for a line longer than any that a
 * server of this release writes.
 */
export const parser = (): ((piece: string) => ReadonlyArray<Event>) => {
  let rest = ""
  let name = "message"
  let data: Array<string> = []
  return (piece) => {
    rest += piece
    // A long line arrives in many pieces: each piece is scanned once.
    const lines = /[\r\n]/.test(piece) ? rest.split(/\r\n|\n|\r(?!$)/) : [rest]
    rest = lines.pop()!
    if (rest.length > answerMaxBytes) throw new Error("a line is too long")
    const events: Array<Event> = []
    for (const line of lines) {
      if (line === "") {
        if (data.length > 0) events.push({ name, data: data.join("\n") })
        name = "message"
        data = []
      } else if (line.startsWith("event:")) name = line.slice(6).trimStart()
      else if (line.startsWith("data:")) data.push(line.slice(5).replace(/^ /, ""))
    }
    return events
  }
}
