/**
 * ParsedBody: the body of a request that the host's framework has already read: `express.json()` leaves it parsed,
 * `express.raw()` as bytes, `express.text()` as text. It becomes text again, so that every limit and check of a body
 * holds.
 */
import * as AdapterError from "../contract/AdapterError.js"
import * as WireRequest from "../core/WireRequest.js"

/** The text of an already read body, or the error. */
export const textOf = (body: unknown, maxBytes: number): string | AdapterError.AdapterError => {
  const text = body instanceof Uint8Array ? WireRequest.decoded([body]) : typeof body === "string" ? body : jsonOf(body)
  if (text === undefined) return AdapterError.bodyTaken
  return typeof text === "string" && byteLengthOf(text, maxBytes) > maxBytes
    ? AdapterError.bodyTooLarge(maxBytes)
    : text
}

const jsonOf = (body: unknown): string | undefined => {
  try {
    return JSON.stringify(body)
  } catch {
    return undefined
  }
}

// A text has at least as many bytes as characters.
const byteLengthOf = (text: string, maxBytes: number): number =>
  text.length > maxBytes ? text.length : new TextEncoder().encode(text).length
