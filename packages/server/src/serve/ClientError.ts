/**
 * ClientError: what is said to a client whose bytes are no request. No format is known by then: the answer is a problem
 * (RFC 9457), and the connection ends with it.
 */
import { STATUS_CODES } from "node:http"
import type { Socket } from "node:net"
import { AdapterError, WireError } from "@onelane/http"

/** One connection more than are served at once. */
export const tooManyConnections: AdapterError.AdapterError = AdapterError.overloaded

const tunnelCode = "ONELANE_TUNNEL"

/** Said of a tunnel (CONNECT), as the parser says what is wrong with a request. */
export const tunnel: NodeJS.ErrnoException = Object.assign(new Error("CONNECT"), { code: tunnelCode })

const answers: Readonly<Record<string, AdapterError.AdapterError>> = {
  [tunnelCode]: AdapterError.methodNotAllowed(["GET", "POST"]),
  HPE_HEADER_OVERFLOW: AdapterError.headersTooLong,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: AdapterError.chunkExtensionsTooLong,
  ERR_HTTP_REQUEST_TIMEOUT: AdapterError.requestTimeout
}

/** The answer to an error of the parser, by its code. */
export const of = (code: string): AdapterError.AdapterError => answers[code] ?? AdapterError.malformedRequest

/** Milliseconds the client has to read the answer. */
const lastWordMillis = 1_000

/** Writes the answer and ends the connection. What still comes is read and dropped: a reset would take the answer with it. */
export const refuse = (socket: Socket, error: AdapterError.AdapterError): void => {
  const { body, headers, status } = WireError.problem(error)
  const text = body as string
  const lines = Object.entries({ ...headers, "content-length": Buffer.byteLength(text), connection: "close" })
  const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join("")
  socket.removeAllListeners("data")
  socket.on("data", () => {})
  socket.on("error", () => socket.destroy())
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${head}\r\n${text}`)
  socket.setTimeout(lastWordMillis, () => socket.destroy())
}
