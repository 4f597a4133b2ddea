/**
 * Framing: checks of a request's head, so that no two readers of the same bytes can disagree on where a request ends or
 * which host it is for. Source: RFC 9112, 2.3, 3.2 and 6.
 */
import type { IncomingMessage } from "node:http"
import { AdapterError } from "@onelane/http"

// A name, an IPv4 address or an IPv6 address in brackets, and perhaps a port. Duplicate hosts are joined by a comma and
// a space, which a host cannot contain.
const host = /^(?:\[[0-9a-f:.]+\]|(?:[a-z0-9._~!$&'()*+,;=-]|%[0-9a-f]{2})+)(?::\d{0,5})?$/i

let lastHost = "localhost"

/** Most clients send the same host: it is checked once. */
const isHost = (text: string): boolean => {
  if (text === lastHost) return true
  if (!host.test(text)) return false
  lastHost = text
  return true
}

/** The fault in the head of a request, or null. The connection is closed after the answer. */
export const judge = ({ headers, httpVersion }: IncomingMessage): AdapterError.AdapterError | null => {
  const isOld = httpVersion === "1.0"
  if (httpVersion !== "1.1" && !isOld) return AdapterError.versionNotSupported
  if (headers.host === undefined ? !isOld : !isHost(headers.host)) return AdapterError.malformedRequest
  const coding = headers["transfer-encoding"]
  if (coding === undefined) return null
  return isOld ? AdapterError.malformedRequest : judgeCodings(coding)
}

const judgeCodings = (text: string): AdapterError.AdapterError | null => {
  const codings = text.split(",").map((coding) => coding.trim().toLowerCase())
  if (codings.some((coding) => coding !== "chunked" && coding !== "")) return AdapterError.codingNotImplemented
  return codings.length === 1 && codings[0] === "chunked" ? null : AdapterError.malformedRequest
}

/** An error of Node's parser. */
export interface ParseError extends Error {
  readonly code?: string
  readonly reason?: string
  readonly rawPacket?: Buffer
}

/** The fault in bytes that the parser refused. */
export const judgeError = ({ code, rawPacket, reason }: ParseError): AdapterError.AdapterError => {
  if (code === "HPE_INVALID_VERSION" && reason === "Invalid HTTP version") return AdapterError.versionNotSupported
  if (code === "HPE_PAUSED_H2_UPGRADE") return AdapterError.versionNotSupported
  if (code !== "HPE_INVALID_TRANSFER_ENCODING" || rawPacket === undefined) return AdapterError.malformedRequest
  const lines = rawPacket.toString("latin1").matchAll(/^transfer-encoding:([^\r\n]*)/gim)
  const said = [...lines].map(([, codings]) => codings).join(",")
  return judgeCodings(said) ?? AdapterError.malformedRequest
}
