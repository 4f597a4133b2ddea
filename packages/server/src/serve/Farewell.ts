/**
 * Farewell: shuts a listener down without connection resets. From its start every answer has `Connection: close`; with
 * several requests on a connection, the last answer says so. New connections are accepted until the listener stops.
 *
 * Invariants: a request that was sent is answered, unless its connection was idle for the whole linger time. While the
 * listener stops, requests are held back, so that no waiting client connects at that moment: the system resets
 * connections that it has established and no process has accepted.
 */
import type { IncomingMessage, Server, ServerResponse } from "node:http"
import { type Socket, Server as TcpServer } from "node:net"
import { setImmediate as eventLoopTurn, setTimeout as pause } from "node:timers/promises"
import { NodeConnection } from "@onelane/http"

/** A request, and the function that continues it. */
interface Held {
  readonly incoming: IncomingMessage
  readonly response: ServerResponse
  readonly goOn: () => void
}

/** Bytes received on a connection at the last check, and since when it has been silent. */
interface Silence {
  bytes: number
  sinceMillis: number
}

/** The farewell of one listener; it changes nothing before it begins. */
export interface Farewell {
  isBegun: boolean
  /** Requests continue only after the listener stopped. */
  isStopping: boolean
  readonly sockets: Map<Socket, Silence>
  /** Connections and requests so far. */
  heard: number
  held: Array<Held>
}

const farewells = new WeakMap<Server, Farewell>()

/** The farewell of a server. */
export const of = (server: Server): Farewell => {
  const known = farewells.get(server)
  if (known !== undefined) return known
  const farewell: Farewell = { isBegun: false, isStopping: false, sockets: new Map(), heard: 0, held: [] }
  farewells.set(server, farewell)
  return farewell
}

/** Registers a connection. */
export const connected = (farewell: Farewell, socket: Socket): void => {
  farewell.heard += 1
  farewell.sockets.set(socket, { bytes: 0, sinceMillis: performance.now() })
  socket.once("close", () => farewell.sockets.delete(socket))
}

/** Begins it: answers that have not started close their connections. */
export const begin = (farewell: Farewell): void => {
  if (farewell.isBegun) return
  farewell.isBegun = true
  const nowMillis = performance.now()
  for (const [socket, silence] of farewell.sockets) {
    silence.bytes = socket.bytesRead
    silence.sinceMillis = nowMillis
    const last = NodeConnection.pending(NodeConnection.of(socket)).at(-1)
    if (last !== undefined && !last.response.headersSent) last.response.setHeader("connection", "close")
  }
}

/** Holds a request received during the farewell until all requests that came with it are known. */
export const hold = (farewell: Farewell, held: Held): void => {
  farewell.heard += 1
  farewell.held.push(held)
  const before = NodeConnection.of(held.incoming.socket).unanswered.at(-2)
  if (before !== undefined && !before.response.headersSent) before.response.removeHeader("connection")
  if (farewell.held.length === 1 && !farewell.isStopping) setImmediate(() => release(farewell))
}

const release = (farewell: Farewell): void => {
  if (farewell.isStopping) return
  const { held } = farewell
  farewell.held = []
  for (const { goOn, incoming, response } of held) {
    const isLast = NodeConnection.of(incoming.socket).unanswered.at(-1)?.response === response
    if (isLast) response.setHeader("connection", "close")
    goOn()
  }
}

/**
 * Milliseconds without a new connection or request before the listener stops: by then all pending requests are held.
 */
const silentMillis = 25

/** Milliseconds after which a pause of `lookMillis` is enough; after twice as many the listener stops anyway. */
const quietMillis = 250

/** Milliseconds between two checks. */
const lookMillis = 2

/** Stops listening at a moment without traffic. `closed` resolves when all connections have ended. */
export const stop = async (farewell: Farewell, server: Server): Promise<{ readonly closed: Promise<void> }> => {
  farewell.isStopping = true
  const beganMillis = performance.now()
  for (let { heard } = farewell, silentSince = beganMillis; ; { heard } = farewell) {
    // Sleeps until just before the check: a process that has used its time slice can be preempted between check and
    // stop.
    await pause(lookMillis)
    // Right after the event loop has accepted everything: a connection between this check and the stop is reset.
    await eventLoopTurn()
    const nowMillis = performance.now()
    const waitedMillis = nowMillis - beganMillis
    if (heard !== farewell.heard) silentSince = nowMillis
    if (nowMillis - silentSince >= (waitedMillis < quietMillis ? silentMillis : lookMillis)) break
    if (waitedMillis >= 2 * quietMillis) break
  }
  // The HTTP server's own `close` would first end idle connections, even if a request is in transit on them.
  const closed = new Promise<void>((ended) => void TcpServer.prototype.close.call(server, () => ended()))
  farewell.isStopping = false
  release(farewell)
  return { closed }
}

/** Closes connections that await no answer and have been silent for this long. */
export const endSilent = ({ sockets }: Farewell, silentMillis: number): void => {
  const nowMillis = performance.now()
  for (const [socket, silence] of sockets) {
    const isSilent =
      socket.bytesRead === silence.bytes && NodeConnection.pending(NodeConnection.of(socket)).length === 0
    if (!isSilent) {
      silence.bytes = socket.bytesRead
      silence.sinceMillis = nowMillis
    } else if (nowMillis - silence.sinceMillis >= silentMillis) NodeConnection.finish(socket)
  }
}
