/**
 * NodeListener: runs the core in Node's HTTP server. `onelane serve` uses `attach`. `make` creates a plain listener for
 * `server.on("request", …)`; `mount` creates one below a path of a host's server, behind its middleware.
 *
 * Owns reading bodies, writing answers, and the limits of both per connection. Ports, timeouts and the number of
 * connections belong to the server.
 */
import { isUtf8 } from "node:buffer"
import type { IncomingMessage, Server, ServerResponse } from "node:http"
import * as AdapterError from "../contract/AdapterError.js"
import type { HttpCore } from "../core/HttpCore.js"
import type { Mounted, Mounting } from "../core/Mounting.js"
import * as WireAnswer from "../core/WireAnswer.js"
import * as WireRequest from "../core/WireRequest.js"
import * as NodeConnection from "./NodeConnection.js"
import * as ParsedBody from "./ParsedBody.js"
import * as UnreadAnswers from "./UnreadAnswers.js"

/** The limits of a listener. */
export interface Limits {
  /**
   * Requests of one connection that are not answered yet; one more is answered 503 and the connection closed. Default
   * 64.
   */
  readonly unansweredMaxCount: number
  /**
   * Bytes of unread answers of all clients together; above it, the slowest reader is disconnected. Default 67,108,864.
   */
  readonly answersMaxBytes: number
}

/** The default limits. */
export const defaults: Limits = { unansweredMaxCount: 64, answersMaxBytes: 67_108_864 }

interface Listener {
  readonly core: HttpCore
  readonly limits: Limits
  readonly unread: UnreadAnswers.UnreadAnswers
  /** How a host has mounted it; null: the whole server is ours. */
  readonly mounting: Mounting | null
}

const listenerOf = (core: HttpCore, limits: Limits, mounting: Mounting | null = null): Listener => ({
  core,
  limits,
  unread: UnreadAnswers.make(limits.answersMaxBytes),
  mounting
})

/** Makes a listener of requests. Node itself then answers `Expect: 100-continue`. */
export const make = (core: HttpCore, limits: Limits = defaults) => {
  const listener = listenerOf(core, limits)
  return (incoming: IncomingMessage, response: ServerResponse): void => hear(listener, incoming, response, false)
}

/** Creates a listener for a path of a host's server. Connections and timeouts stay with the host. */
export const mount = (core: HttpCore, mounting: Mounting, limits: Limits = defaults) => {
  const listener = listenerOf(core, limits, mounting)
  return (incoming: IncomingMessage, response: ServerResponse): void => hear(listener, incoming, response, false)
}

/**
 * Attaches the core to a server. A client that waits for `100 Continue` gets it once all checks before the body have
 * passed. The returned function detaches the core.
 */
export const attach = (server: Server, core: HttpCore, limits: Limits = defaults): (() => void) => {
  const listener = listenerOf(core, limits)
  const heard = (incoming: IncomingMessage, response: ServerResponse) => hear(listener, incoming, response, false)
  const waiting = (incoming: IncomingMessage, response: ServerResponse) => hear(listener, incoming, response, true)
  server.on("request", heard).on("checkContinue", waiting)
  return () => void server.off("request", heard).off("checkContinue", waiting)
}

const hear = (listener: Listener, incoming: IncomingMessage, response: ServerResponse, waitsForContinue: boolean) => {
  const { mounting } = listener
  const unanswered =
    incoming.httpVersionMajor > 1
      ? { response, leave: null, endStream: null }
      : NodeConnection.enter(incoming, response, listener.limits.unansweredMaxCount, mounting === null)
  if (unanswered === null) return
  if (mounting !== null) return hearMounted(listener, mounting, incoming, unanswered)
  const { headers, method, url } = incoming
  const { path, query } = WireRequest.splitTarget(url!)
  const request: WireRequest.WireRequest = {
    method: method!,
    path,
    query,
    headers: headers as WireRequest.WireRequest["headers"],
    read: (maxBytes, onBody) => {
      if (waitsForContinue) response.writeContinue()
      read(incoming, maxBytes, onBody)
    }
  }
  const leave = listener.core(request, (answer) => write(listener, unanswered, method === "HEAD", answer))
  // An answered call cannot be withdrawn, and a stream must not retain its exchange.
  if (!response.headersSent) unanswered.leave = leave
}

/** What frameworks add to a request: the path prefix that they removed, and the parsed body. */
interface HostRequest extends IncomingMessage {
  readonly baseUrl?: unknown
  readonly originalUrl?: unknown
  readonly body?: unknown
}

/** The path prefix that a framework removed, and the rest of the path. */
const targetOf = ({ baseUrl, originalUrl, url }: HostRequest) => {
  const { path: rest, query } = WireRequest.splitTarget(url!)
  const hostBase = typeof baseUrl === "string" ? baseUrl : ""
  // If Express removes the whole path, it leaves a slash that the client did not send.
  const isWhole = typeof originalUrl === "string" && WireRequest.splitTarget(originalUrl).path === hostBase
  return { hostBase, query, rest: isWhole ? "" : rest }
}

const hearMounted = (
  listener: Listener,
  mounting: Mounting,
  incoming: HostRequest,
  unanswered: NodeConnection.Unanswered
): void => {
  const { headers, method } = incoming
  const { hostBase, query, rest } = targetOf(incoming)
  const { base, path } = mounting.place(hostBase, rest)
  const mounted: Mounted = { request: incoming, base, ...mounting.context() }
  const { run } = mounted
  const request: WireRequest.WireRequest = {
    method: method!,
    path,
    query,
    headers: headers as WireRequest.WireRequest["headers"],
    read: (maxBytes, onBody) => {
      const told: WireRequest.OnBody = (body) => run(() => onBody(body))
      if (incoming.readableDidRead) told(ParsedBody.textOf(incoming.body, maxBytes))
      else read(incoming, maxBytes, told)
    },
    mounted
  }
  const { response } = unanswered
  const leave = listener.core(request, (answer) =>
    run(() => {
      // The host controls its `Connection` header, except where an answer must end the connection.
      if (answer.headers.connection === "close") NodeConnection.endInOrder(incoming.socket)
      // The host may have answered already, for example after its own timeout.
      if (!response.headersSent && !response.destroyed) write(listener, unanswered, method === "HEAD", answer)
      else if (WireAnswer.isPull(answer.body)) answer.body.leave()
    })
  )
  if (!response.headersSent) unanswered.leave = leave
  // Over HTTP/2 one request ends without its connection.
  response.once("close", () => {
    unanswered.leave?.()
    unanswered.endStream?.()
  })
}

const read = (incoming: IncomingMessage, maxBytes: number, onBody: WireRequest.OnBody): void => {
  const chunks: Array<Buffer> = []
  let bytes = 0
  let isTold = false
  incoming.on("data", (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes <= maxBytes) return void chunks.push(chunk)
    chunks.length = 0
    if (isTold || bytes <= WireRequest.droppedTimes * maxBytes) return
    isTold = true
    onBody(AdapterError.bodyFarTooLarge(maxBytes))
  })
  incoming.on("end", () => {
    if (isTold) return
    if (bytes > maxBytes) return onBody(AdapterError.bodyTooLarge(maxBytes))
    const body = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)
    onBody(isUtf8(body) ? body.toString() : AdapterError.bodyNotUtf8)
  })
}

/** Shorter answers are not counted if the connection has no other pending answer. */
const countedBytes = 4_096

const write = (
  { mounting, unread }: Listener,
  unanswered: NodeConnection.Unanswered,
  isHead: boolean,
  { body, headers, status }: WireAnswer.WireAnswer
): void => {
  const { response } = unanswered
  const head = mounting === null ? linesOf : copyOf
  if (WireAnswer.isPull(body)) {
    response.writeHead(status, head(headers))
    if (!isHead) return void stream(unread, unanswered, body)
    body.leave()
    return void response.end()
  }
  if (body.length === 0) {
    response.writeHead(status, head(headers))
    return void response.end()
  }
  const bytes = typeof body === "string" ? Buffer.byteLength(body) : body.length
  response.writeHead(status, head(headers, String(bytes)))
  if (isHead) return void response.end()
  if (typeof body !== "string") return void response.end(body)
  const { socket } = response.req
  if (bytes >= countedBytes || NodeConnection.of(socket, mounting === null).unanswered.length > 1) {
    response.once("close", unread.add(socket, bytes))
  }
  // Latin-1 is faster and writes the same bytes if every character takes one byte.
  response.end(body, bytes === body.length ? "latin1" : "utf8")
}

type Headers = WireAnswer.WireAnswer["headers"]

// Node accepts headers as a flat list.
const linesOf = (headers: Headers, length?: string): Array<string> => {
  const lines: Array<string> = []
  for (const name in headers) lines.push(name, headers[name]!)
  if (length !== undefined) lines.push("content-length", length)
  return lines
}

// Middleware that wraps `writeHead` may accept an object only.
const copyOf = (headers: Headers, length?: string): Record<string, string> =>
  length === undefined ? { ...headers } : { ...headers, "content-length": length }

/** Writes as fast as the client reads. */
const stream = (
  unread: UnreadAnswers.UnreadAnswers,
  unanswered: NodeConnection.Unanswered,
  pull: WireAnswer.Pull
): void => {
  const { response } = unanswered
  const { socket } = response.req
  unanswered.leave = null
  unanswered.endStream = () => pull.leave()
  if (socket.destroyed || socket.readableEnded) pull.leave()
  response.flushHeaders()
  const give: WireAnswer.Give = (piece) => {
    if (piece === null) return void response.end()
    if (response.write(piece)) return pull.next(give)
    const taken = unread.add(socket, Buffer.byteLength(piece))
    drained(response, () => {
      taken()
      pull.next(give)
    })
  }
  pull.next(give)
}

/** Calls back when more can be written, or nothing can any more. */
const drained = (response: ServerResponse, onDrained: () => void): void => {
  const { socket } = response.req
  const done = () => {
    response.off("drain", done)
    socket.off("close", done)
    onDrained()
  }
  response.on("drain", done)
  socket.on("close", done)
  if (socket.destroyed) done()
}
