/**
 * ClientError: what is said to a client whose bytes are no request. No format is known by then: the answer is a problem
 * (RFC 9457), and the connection ends with it.
 */
import { STATUS_CODES } from "node:http"
import type { Socket } from "node:net"
import { AdapterError, NodeConnection, WireError } from "@onelane/http"
import * as Framing from "./Framing.js"

/** One connection more than are served at once. */
export const tooManyConnections: AdapterError.AdapterError = AdapterError.overloaded

const tunnelCode = "ONELANE_TUNNEL"

/** Said of a tunnel (CONNECT), as the parser says what is wrong with a request. */
export const tunnel: Framing.ParseError = Object.assign(new Error("CONNECT"), { code: tunnelCode })

const answers: Readonly<Record<string, AdapterError.AdapterError>> = {
  [tunnelCode]: AdapterError.methodNotAllowed(["GET", "POST"]),
  HPE_HEADER_OVERFLOW: AdapterError.headersTooLong,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: AdapterError.chunkExtensionsTooLong,
  ERR_HTTP_REQUEST_TIMEOUT: AdapterError.requestTimeout
}

/** The answer to an error of the parser. */
export const of = (error: Framing.ParseError): AdapterError.AdapterError =>
  answers[error.code ?? ""] ?? Framing.judgeError(error)

/** Writes the answer, where no request is known that it belongs to, and ends the connection. */
export const refuse = (socket: Socket, error: AdapterError.AdapterError): void => {
  const { body, headers, status } = WireError.problem(error)
  const text = body as string
  const lines = Object.entries({ ...headers, "content-length": Buffer.byteLength(text), connection: "close" })
  const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join("")
  socket.write(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${head}\r\n${text}`)
  NodeConnection.finish(socket)
}
