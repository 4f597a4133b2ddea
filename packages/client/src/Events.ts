/**
 * Events: reads server-sent events from a stream of bytes in pieces of any size. Comments are dropped.
 */
import { answerMaxBytes } from "./Wire.js"

/** One event. */
export interface Event {
  readonly name: string
  readonly data: string
}

/** The text of a stream was longer than any server of this release writes without an end of line. */
export class TooLong extends Error {}

/** Parses pieces of text; each call gives the events that it completed. */
export const parser = (): ((piece: string) => ReadonlyArray<Event>) => {
  let rest = ""
  let name = "message"
  let data: Array<string> = []
  return (piece) => {
    const lines = (rest + piece).split(/\r\n|\n|\r(?!$)/)
    rest = lines.pop()!
    if (rest.length > answerMaxBytes) throw new TooLong("a line is too long")
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
