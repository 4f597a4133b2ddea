/**
 * Farewell: shuts a listener down without connection resets. From its start every answer says `Connection: close`; with
 * several requests on a connection, the last answer says so. New connections are accepted until the listener stops.
 *
 * Invariants: a request that was sent is answered, unless its connection was idle for the whole linger time. While the
 * listener stops, requests are held back, so that no waiting client connects at that moment: the system resets connections
 * that it has established and no process has accepted.
 */
import type { IncomingMessage, Server, ServerResponse } from "node:http"
import { type Socket, Server as TcpServer } from "node:net"
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

/** Turns of the event loop without a connection or a request before the listener stops. */
const quietTurns = 2

/** Milliseconds without one: by then the clients that ask here wait for an answer of ours, for each request is held. */
const silentMillis = 25

/** Milliseconds after which the turns alone are enough, and twice as many after which nothing more is waited for. */
const quietMillis = 250

/** Stops listening at a moment without traffic. `closed` resolves when all connections have ended. */
export const stop = async (farewell: Farewell, server: Server): Promise<{ readonly closed: Promise<void> }> => {
  farewell.isStopping = true
  const stopped = await new Promise<{ readonly closed: Promise<void> }>((resolve) => {
    const beganMillis = performance.now()
    let silentSince = beganMillis
    let heard = farewell.heard
    let turns = 0
    const look = (): void => {
      const nowMillis = performance.now()
      const waitedMillis = nowMillis - beganMillis
      if (heard !== farewell.heard) silentSince = nowMillis
      turns = heard === farewell.heard ? turns + 1 : 0
      heard = farewell.heard
      const isSilent = nowMillis - silentSince >= silentMillis || waitedMillis >= quietMillis
      const isQuiet = (turns > quietTurns && isSilent) || waitedMillis >= 2 * quietMillis
      // Right after the event loop has taken in all that came: what comes between this look and the stop is reset.
      if (!isQuiet) return void setImmediate(look)
      // That of the HTTP server would end idle connections first, whatever is on its way on them.
      resolve({ closed: new Promise((ended) => void TcpServer.prototype.close.call(server, () => ended())) })
    }
    setImmediate(look)
  })
  farewell.isStopping = false
  release(farewell)
  return stopped
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
