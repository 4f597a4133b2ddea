/**
 * NodeConnection: one connection of a listener of Node: the requests on it that are not answered yet, and how it ends.
 *
 * Owns two promises. A connection holds a bounded number of unanswered requests: one more is answered 503, and nothing
 * behind it is read. And no answer is lost to a reset: where the server ends a connection, it closes its own half, drops
 * what still comes, and lets go once the client closed too, fell silent, or took too long.
 */
import type { IncomingMessage, ServerResponse } from "node:http"
import type { Socket } from "node:net"
import * as AdapterError from "../contract/AdapterError.js"
import * as WireError from "../contract/WireError.js"

/** One request whose answer was not sent completely. */
export interface Unanswered {
  readonly response: ServerResponse
  /** Withdraws the call; null before it began. */
  leave: (() => void) | null
  /** Ends its event stream; null where there is none. */
  endStream: (() => void) | null
}

/** One connection. */
export interface NodeConnection {
  readonly socket: Socket
  /** In their order. Those that were answered are taken out when somebody asks. */
  readonly unanswered: Array<Unanswered>
  /** Its last answer is decided: no further request is taken. */
  isEnding: boolean
}

const connections = new WeakMap<Socket, NodeConnection>()

/** The connection of a socket, which is watched from the first time on. */
export const of = (socket: Socket): NodeConnection => {
  const known = connections.get(socket)
  if (known !== undefined) return known
  const connection: NodeConnection = { socket, unanswered: [], isEnding: false }
  connections.set(socket, connection)
  socket.once("close", () => abandon(connection))
  // A client that closed its half still gets its answers; but whoever followed a session is gone.
  socket.once("end", () => endStreams(connection))
  // Node ends a connection with this after an answer that says `Connection: close`. Its own way resets a client that is
  // still sending, and the answer is lost.
  socket.destroySoon = () => finish(socket)
  return connection
}

/** The requests that are not answered yet, in their order. */
export const pending = ({ unanswered }: NodeConnection): ReadonlyArray<Unanswered> => {
  while (unanswered.length > 0 && unanswered[0]!.response.closed) unanswered.shift()
  return unanswered
}

/**
 * Takes a request in; the same one again changes nothing. Null where it is one more than `maxCount`, which is answered 503
 * and ends the connection, and for every request behind that or on a connection that was cut.
 */
export const enter = (incoming: IncomingMessage, response: ServerResponse, maxCount: number): Unanswered | null => {
  const connection = of(incoming.socket)
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

/** Answers a request with an error, in its turn, and ends the connection with it. Nothing behind it is read. */
export const refuse = (
  { socket }: IncomingMessage,
  response: ServerResponse,
  error: AdapterError.AdapterError
): void => {
  stop(socket)
  of(socket)
    .unanswered.find((each) => each.response === response)
    ?.leave?.()
  const { body, headers, status } = WireError.problem(error)
  const text = body as string
  response.writeHead(status, { ...headers, "content-length": Buffer.byteLength(text), connection: "close" })
  response.end(text)
}

/** Reads no more requests from a connection; its answers are still written. A client that does not read them is then cut. */
export const stop = (socket: Socket): void => {
  of(socket).isEnding = true
  socket.removeAllListeners("data")
  // With anybody listening for bytes, they are not handed to the parser any more.
  socket.on("data", () => {})
  socket.pause()
}

/** Milliseconds of silence after which nothing more is expected of a client. */
const silentMillis = 1_000

/** Milliseconds in which a client may go on sending what is dropped. */
const droppedMillis = 5_000

/** Ends a connection in order. Its answers are written by now. */
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
  // The parser may have stopped the reading below the stream, which believes that it goes on.
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
