/**
 * NodeListener: the core behind a listener of Node. `attach` is what `onelane serve` uses; `make` is a plain listener of
 * requests for `server.on("request", …)`; `mount` is one in a server of the host's, below a path, behind its middleware.
 *
 * Owns the reading of bodies, the writing of answers, and how much of both a connection may leave undone; ports, time-outs
 * and the number of connections are the server's.
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

/** The bounds of a listener. */
export interface Limits {
  /** Requests of one connection that are not answered yet; one more is answered 503 and the connection closed. Default 64. */
  readonly unansweredMaxCount: number
  /** Bytes of answers that clients have not read yet, all together; then the slowest reader is cut. Default 67,108,864. */
  readonly answersMaxBytes: number
}

/** The bounds in force when nothing else is said. */
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

/** Makes a listener for a path of a host's server: connections and time-outs stay the host's. */
export const mount = (core: HttpCore, mounting: Mounting, limits: Limits = defaults) => {
  const listener = listenerOf(core, limits, mounting)
  return (incoming: IncomingMessage, response: ServerResponse): void => hear(listener, incoming, response, false)
}

/**
 * Lets the core answer the requests of a server. A body whose client waits for `100 Continue` is asked for once everything
 * before it is accepted. The returned function takes the core away again.
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
  // After its answer a call cannot be withdrawn, and a stream need not hold what it was made of.
  if (!response.headersSent) unanswered.leave = leave
}

/** What frameworks add to a request: what they removed from its path, and the body that they have read. */
interface HostRequest extends IncomingMessage {
  readonly baseUrl?: unknown
  readonly originalUrl?: unknown
  readonly body?: unknown
}

/** What a framework has removed from the path, and what it has left. */
const targetOf = ({ baseUrl, originalUrl, url }: HostRequest) => {
  const { path: rest, query } = WireRequest.splitTarget(url!)
  const hostBase = typeof baseUrl === "string" ? baseUrl : ""
  // Where Express has removed all of it, it leaves a slash that nobody sent.
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
      // What the host writes about connections is its own business, until an answer must end one.
      if (answer.headers.connection === "close") NodeConnection.endInOrder(incoming.socket)
      // A host may have answered by itself, for example when its own time was over.
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

/** Answers shorter than this, on a connection that waits for no other, are not worth a count. */
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
  // Text of single bytes is written as it is, without being looked at again.
  response.end(body, bytes === body.length ? "latin1" : "utf8")
}

type Headers = WireAnswer.WireAnswer["headers"]

// Node takes a list as it is.
const linesOf = (headers: Headers, length?: string): Array<string> => {
  const lines: Array<string> = []
  for (const name in headers) lines.push(name, headers[name]!)
  if (length !== undefined) lines.push("content-length", length)
  return lines
}

// What middleware of a host puts in front of `writeHead` may take an object only.
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
