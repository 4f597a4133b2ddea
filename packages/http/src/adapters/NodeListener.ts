/**
 * NodeListener: the core behind a listener of Node: `server.on("request", NodeListener.make(core))`. What `onelane serve`
 * uses. Owns the reading of bodies and the writing of answers; ports, time-outs and connections are the server's.
 */
import type { IncomingMessage, ServerResponse } from "node:http"
import * as AdapterError from "../contract/AdapterError.js"
import type { HttpCore } from "../core/HttpCore.js"
import * as WireAnswer from "../core/WireAnswer.js"
import * as WireRequest from "../core/WireRequest.js"

/** Makes the listener. */
export const make =
  (core: HttpCore) =>
  (incoming: IncomingMessage, response: ServerResponse): void => {
    const { headers, method, url } = incoming
    const { path, query } = WireRequest.splitTarget(url!)
    const request: WireRequest.WireRequest = {
      method: method!,
      path,
      query,
      headers: headers as WireRequest.WireRequest["headers"],
      read: (maxBytes, onBody) => read(incoming, response, maxBytes, onBody)
    }
    const leave = core(request, (answer) => write(method === "HEAD", response, answer))
    if (!response.writableEnded) response.on("close", () => response.writableEnded || leave())
  }

/** How much of a body over the limit is read and dropped, in times of the limit; then the connection is closed. */
const dropped = 4

const read = (
  incoming: IncomingMessage,
  response: ServerResponse,
  maxBytes: number,
  onBody: WireRequest.OnBody
): void => {
  if (Number(incoming.headers["content-length"]) > maxBytes) return onBody(AdapterError.bodyTooLarge(maxBytes))
  const chunks: Array<Buffer> = []
  let bytes = 0
  let isTold = false
  incoming.on("data", (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes <= maxBytes) return void chunks.push(chunk)
    chunks.length = 0
    if (isTold || bytes <= dropped * maxBytes) return
    isTold = true
    response.shouldKeepAlive = false
    onBody(AdapterError.bodyTooLarge(maxBytes))
  })
  incoming.on("end", () => {
    if (isTold) return
    if (bytes > maxBytes) onBody(AdapterError.bodyTooLarge(maxBytes))
    else onBody((chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)).toString())
  })
}

const write = (isHead: boolean, response: ServerResponse, { body, headers, status }: WireAnswer.WireAnswer): void => {
  const lines: Array<string> = []
  for (const name in headers) lines.push(name, headers[name]!)
  if (WireAnswer.isPull(body)) {
    response.writeHead(status, lines)
    if (!isHead) return void stream(response, body)
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
  if (isHead) response.end()
  // Text of single bytes is written as it is, without being looked at again.
  else if (typeof body === "string") response.end(body, bytes === body.length ? "latin1" : "utf8")
  else response.end(body)
}

/** Writes as fast as the client reads. */
const stream = async (response: ServerResponse, { leave, next }: WireAnswer.Pull): Promise<void> => {
  response.on("close", leave)
  response.flushHeaders()
  for (let piece = await next(); piece !== null; piece = await next()) {
    if (!response.write(piece)) await drained(response)
  }
  response.end()
}

/** Until more can be written, or nothing can any more. */
const drained = (response: ServerResponse): Promise<void> =>
  new Promise((resolve) => {
    const done = () => {
      response.off("drain", done)
      response.off("close", done)
      resolve()
    }
    response.on("drain", done)
    response.on("close", done)
  })
