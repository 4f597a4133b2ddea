/**
 * NodeListener: the core behind a listener of Node. `attach` is what `onelane serve` uses; `make` is a plain listener of
 * requests for `server.on("request", …)`.
 *
 * Owns the reading of bodies, the writing of answers, and how much of both a connection may leave undone; ports, time-outs
 * and the number of connections are the server's.
 */
import { isUtf8 } from "node:buffer"
import type { IncomingMessage, Server, ServerResponse } from "node:http"
import * as AdapterError from "../contract/AdapterError.js"
import type { HttpCore } from "../core/HttpCore.js"
import * as WireAnswer from "../core/WireAnswer.js"
import * as WireRequest from "../core/WireRequest.js"
import * as NodeConnection from "./NodeConnection.js"
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
}

/** Makes a listener of requests. Node itself then answers `Expect: 100-continue`. */
export const make = (core: HttpCore, limits: Limits = defaults) => {
  const listener: Listener = { core, limits, unread: UnreadAnswers.make(limits.answersMaxBytes) }
  return (incoming: IncomingMessage, response: ServerResponse): void => hear(listener, incoming, response, false)
}

/**
 * Lets the core answer the requests of a server. A body whose client waits for `100 Continue` is asked for once everything
 * before it is accepted. The returned function takes the core away again.
 */
export const attach = (server: Server, core: HttpCore, limits: Limits = defaults): (() => void) => {
  const listener: Listener = { core, limits, unread: UnreadAnswers.make(limits.answersMaxBytes) }
  const heard = (incoming: IncomingMessage, response: ServerResponse) => hear(listener, incoming, response, false)
  const waiting = (incoming: IncomingMessage, response: ServerResponse) => hear(listener, incoming, response, true)
  server.on("request", heard).on("checkContinue", waiting)
  return () => void server.off("request", heard).off("checkContinue", waiting)
}

const hear = (listener: Listener, incoming: IncomingMessage, response: ServerResponse, waitsForContinue: boolean) => {
  const unanswered = NodeConnection.enter(incoming, response, listener.limits.unansweredMaxCount)
  if (unanswered === null) return
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
  { unread }: Listener,
  unanswered: NodeConnection.Unanswered,
  isHead: boolean,
  { body, headers, status }: WireAnswer.WireAnswer
): void => {
  const { response } = unanswered
  const lines: Array<string> = []
  for (const name in headers) lines.push(name, headers[name]!)
  if (WireAnswer.isPull(body)) {
    response.writeHead(status, lines)
    if (!isHead) return void stream(unread, unanswered, body)
    body.leave()
    return void response.end()
  }
  if (body.length === 0) {
    response.writeHead(status, lines)
    return void response.end()
  }
  const bytes = typeof body === "string" ? Buffer.byteLength(body) : body.length
  lines.push("content-length", String(bytes))
  response.writeHead(status, lines)
  if (isHead) return void response.end()
  if (typeof body !== "string") return void response.end(body)
  const { socket } = response.req
  if (bytes >= countedBytes || NodeConnection.of(socket).unanswered.length > 1) {
    response.once("close", unread.add(socket, bytes))
  }
  // Text of single bytes is written as it is, without being looked at again.
  response.end(body, bytes === body.length ? "latin1" : "utf8")
}

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
