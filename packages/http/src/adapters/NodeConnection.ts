/**
 * NodeConnection: one connection of Node's HTTP server: its unanswered requests, and its end.
 *
 * Guarantees two things. A connection has a bounded number of unanswered requests: one more is answered 503, and
 * nothing after it is read. And no answer is lost to a reset: to end a connection, the server closes its own half and
 * drops further input. It destroys the socket once the client has closed too, is silent, or takes too long.
 */
import type { IncomingMessage, ServerResponse } from "node:http"
import type { Socket } from "node:net"
import * as AdapterError from "../contract/AdapterError.js"
import * as WireError from "../contract/WireError.js"

/** One request whose answer was not sent completely. */
export interface Unanswered {
  readonly response: ServerResponse
  /** Withdraws the call; null before it started. */
  leave: (() => void) | null
  /** Ends its event stream; null if there is none. */
  endStream: (() => void) | null
}

/** One connection. */
export interface NodeConnection {
  readonly socket: Socket
  /** In order. Answered ones are removed on access. */
  readonly unanswered: Array<Unanswered>
  /** Its last answer is decided: no further request is accepted. */
  isEnding: boolean
}

const connections = new WeakMap<Socket, NodeConnection>()

/** The connection of a socket; the first call starts to watch it. `isOurs`: we decide how it ends. */
export const of = (socket: Socket, isOurs = true): NodeConnection => {
  const known = connections.get(socket)
  if (known !== undefined) return known
  const connection: NodeConnection = { socket, unanswered: [], isEnding: false }
  connections.set(socket, connection)
  socket.once("close", () => abandon(connection))
  // A client that closed its half still gets its answers, but its event streams end.
  socket.once("end", () => endStreams(connection))
  if (isOurs) endInOrder(socket)
  return connection
}

/**
 * Ends a connection in order after an answer with `Connection: close`. Node itself resets a client that still sends:
 * the answer is lost.
 */
export const endInOrder = (socket: Socket): void => {
  socket.destroySoon = () => finish(socket)
}

/** The unanswered requests, in order. */
export const pending = ({ unanswered }: NodeConnection): ReadonlyArray<Unanswered> => {
  while (unanswered.length > 0 && unanswered[0]!.response.closed) unanswered.shift()
  return unanswered
}

/**
 * Registers a request; a second call for the same request changes nothing. `isOurs`: we decide how its connection ends.
 * Returns null for the request beyond `maxCount`, which is answered 503 and ends the connection, and for every request
 * after that or on a connection that was cut.
 */
export const enter = (
  incoming: IncomingMessage,
  response: ServerResponse,
  maxCount: number,
  isOurs = true
): Unanswered | null => {
  const connection = of(incoming.socket, isOurs)
  const { unanswered } = connection
  for (let index = unanswered.length - 1; index >= 0; index--) {
    if (unanswered[index]!.response === response) return unanswered[index]!
  }
  if (connection.isEnding || incoming.socket.destroyed) return null
  pending(connection)
  const entered: Unanswered = { response, leave: null, endStream: null }
  unanswered.push(entered)
  if (unanswered.length <= maxCount) return entered
  refuse(incoming, response, AdapterError.tooManyUnanswered(maxCount))
  return null
}

/** Answers a request with an error, in order, and ends the connection after it. Nothing after it is read. */
export const refuse = (
  { socket }: IncomingMessage,
  response: ServerResponse,
  error: AdapterError.AdapterError
): void => {
  stop(socket)
  endInOrder(socket)
  of(socket)
    .unanswered.find((each) => each.response === response)
    ?.leave?.()
  const { body, headers, status } = WireError.problem(error)
  const text = body as string
  response.writeHead(status, { ...headers, "content-length": Buffer.byteLength(text), connection: "close" })
  response.end(text)
}

/**
 * Reads no more requests from a connection; its answers are still written. A client that does not read them is then
 * cut.
 */
export const stop = (socket: Socket): void => {
  of(socket).isEnding = true
  socket.removeAllListeners("data")
  // With a listener for bytes, they no longer reach the parser.
  socket.on("data", () => {})
  socket.pause()
}

/** Milliseconds of silence after which a client counts as done. */
const silentMillis = 1_000

/** Milliseconds for which further input of a client is dropped. */
const droppedMillis = 5_000

/** Ends a connection in order. Its answers are already written. */
export const finish = (socket: Socket): void => {
  if (socket.destroyed || finishing.has(socket)) return
  finishing.add(socket)
  stop(socket)
  const beganMillis = performance.now()
  socket.on("data", () => {
    if (performance.now() - beganMillis > droppedMillis) socket.destroy()
  })
  socket.on("error", () => socket.destroy())
  socket.setTimeout(silentMillis, () => socket.destroy())
  if (socket.writable) socket.end()
  socket.resume()
  // The parser may have paused the socket below the stream, which still believes it is flowing.
  socket._read(0)
}

const finishing = new WeakSet<Socket>()

const abandon = (connection: NodeConnection): void => {
  for (const { leave } of connection.unanswered) leave?.()
  endStreams(connection)
  connection.unanswered.length = 0
}

const endStreams = ({ unanswered }: NodeConnection): void => {
  for (const { endStream } of unanswered) endStream?.()
}
