/**
 * Preference: how long a client wants to wait for an answer (`Prefer: wait=10`). Source: RFC 7240; fractions of a
 * second are our extension. A preference that cannot be parsed is ignored.
 */
import { Arrival } from "@onelane/checkout"
import type { WireRequest } from "./WireRequest.js"

const seconds = /^"?(\d{1,9}(?:\.\d{1,3})?)"?$/

/** How long to wait, milliseconds, at most as long as the service waits; null: not at all. */
export const waitMillisOf = ({ headers }: WireRequest): number | null => {
  if (headers.prefer === undefined) return null
  for (const preference of split(headers.prefer)) {
    const [name, value] = split(preference, ";")[0]!.split("=", 2)
    if (name!.trim().toLowerCase() !== "wait") continue
    const said = seconds.exec(value?.trim() ?? "")
    const millis = said === null ? 0 : Math.round(Number(said[1]) * 1_000)
    return millis === 0 ? null : Math.min(millis, Arrival.longestMillis)
  }
  return null
}

/** Splits at a separator that is not within quotes. */
const split = (text: string, separator = ","): ReadonlyArray<string> => {
  const parts: Array<string> = []
  let begin = 0
  let isQuoted = false
  for (let index = 0; index < text.length; index++) {
    const letter = text[index]
    if (letter === "\\" && isQuoted) index += 1
    else if (letter === '"') isQuoted = !isQuoted
    else if (letter === separator && !isQuoted) {
      parts.push(text.slice(begin, index))
      begin = index + 1
    }
  }
  parts.push(text.slice(begin))
  return parts
}

/** A wait as a preference. */
export const waitText = (millis: number): string => `wait=${millis / 1_000}`
