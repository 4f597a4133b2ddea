/**
 * ClientError: the answer to bytes that are not an HTTP request. The format is not known by then, so the answer is a
 * problem (RFC 9457), and the connection is closed after it.
 */
import { STATUS_CODES } from "node:http"
import type { Socket } from "node:net"
import { AdapterError, NodeConnection, WireError } from "@onelane/http"
import * as Framing from "./Framing.js"

/** The answer to a connection beyond the limit. */
export const tooManyConnections: AdapterError.AdapterError = AdapterError.overloaded

const tunnelCode = "ONELANE_TUNNEL"

/** The error of a tunnel request (CONNECT), in the form of a parser error. */
export const tunnel: Framing.ParseError = Object.assign(new Error("CONNECT"), { code: tunnelCode })

const answers: Readonly<Record<string, AdapterError.AdapterError>> = {
  [tunnelCode]: AdapterError.methodNotAllowed(["GET", "POST"]),
  HPE_HEADER_OVERFLOW: AdapterError.headersTooLong,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: AdapterError.chunkExtensionsTooLong,
  ERR_HTTP_REQUEST_TIMEOUT: AdapterError.requestTimeout
}

/** The answer to a parser error. */
export const of = (error: Framing.ParseError): AdapterError.AdapterError =>
  answers[error.code ?? ""] ?? Framing.judgeError(error)

/** Writes an answer that belongs to no request, and closes the connection. */
export const refuse = (socket: Socket, error: AdapterError.AdapterError): void => {
  const { body, headers, status } = WireError.problem(error)
  const text = body as string
  const lines = Object.entries({ ...headers, "content-length": Buffer.byteLength(text), connection: "close" })
  const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join("")
  socket.write(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${head}\r\n${text}`)
  NodeConnection.finish(socket)
}
