/**
 * Listener: the TCP side of the server: the socket, its limits, the answers to bytes that are not HTTP, and an orderly
 * close that loses no promised answer.
 *
 * A client that closes its half of the connection still gets its answer. Duplicate headers are joined, so that no two
 * readers can pick different ones.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import type { AddressInfo, Socket } from "node:net"
import type * as HttpServerError from "@effect/platform/HttpServerError"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { Race } from "@onelane/engine"
import { type HttpCore, NodeConnection, NodeListener } from "@onelane/http"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as ListenerLimits from "../settings/ListenerLimits.js"
import * as ClientError from "./ClientError.js"
import * as Farewell from "./Farewell.js"
import * as Framing from "./Framing.js"

/** Connections over the limit that get a 503; further ones are closed without an answer. */
const refusedMaxCount = 256

/** How often timeouts are checked, milliseconds. */
const lookMillis = 500

/** Creates a listener; it accepts nothing before `listen`. */
export const make = (limits: ListenerLimits.ListenerLimits = ListenerLimits.defaults): Effect.Effect<Server> =>
  Effect.sync(() => {
    const server = createServer({
      maxHeaderSize: limits.headersMaxBytes,
      headersTimeout: Math.min(limits.headersMillis, limits.requestMillis),
      requestTimeout: limits.requestMillis,
      keepAliveTimeout: limits.idleMillis,
      connectionsCheckingInterval: Math.min(lookMillis, limits.headersMillis),
      joinDuplicateHeaders: true,
      // Node would answer a request without a host itself, with an empty body.
      requireHostHeader: false
    })
    // The bytes of the headers are limited; a limit on their number would silently drop the rest.
    server.maxHeadersCount = 0
    server.timeout = limits.stallMillis
    server.maxConnections = limits.connectionsMaxCount + refusedMaxCount
    Object.assign(server, { httpAllowHalfOpen: true })
    refuseBeyond(server, limits.connectionsMaxCount)
    answerErrors(server)
    judgeRequests(server, limits)
    refuseTunnels(server)
    cutStalled(server)
    return server
  })

/** A connection over the limit is answered before anything is read from it. */
const refuseBeyond = (server: Server, maxCount: number): void => {
  const farewell = Farewell.of(server)
  const { sockets } = farewell
  const [accept] = server.listeners("connection")
  server.removeAllListeners("connection")
  server.on("connection", (socket: Socket) => {
    if (sockets.size >= maxCount) return ClientError.refuse(socket, ClientError.tooManyConnections)
    Farewell.connected(farewell, socket)
    accept!.call(server, socket)
  })
}

/** Receives every request, in order; a fault in its head is answered before anything else happens. */
const judgeRequests = (server: Server, { unansweredMaxCount }: ListenerLimits.ListenerLimits): void => {
  const farewell = Farewell.of(server)
  const emit = server.emit.bind(server)
  // Avoids allocating an argument list.
  server.emit = (event: string, first?: unknown, second?: unknown, third?: unknown): boolean => {
    if (event !== "request" && event !== "checkContinue") return emit(event, first, second, third)
    const incoming = first as IncomingMessage
    const response = second as ServerResponse
    if (NodeConnection.enter(incoming, response, unansweredMaxCount) === null) return true
    const wrong = Framing.judge(incoming)
    if (wrong !== null) NodeConnection.refuse(incoming, response, wrong)
    else if (farewell.isBegun) Farewell.hold(farewell, { incoming, response, goOn: () => emit(event, first, second) })
    else return emit(event, first, second)
    return true
  }
}

/**
 * HTTP/1.1 only. An `Upgrade` is ignored and the request answered; CONNECT is refused like any method that is not
 * allowed, where Node would close the connection without an answer.
 */
const refuseTunnels = (server: Server): void => {
  // If there is a listener for it, Node hands over the bare socket, without timeouts or an orderly close.
  server.on("newListener", (event) => {
    if (event === "upgrade") queueMicrotask(() => server.removeAllListeners("upgrade"))
  })
  // The parser drops what was sent after an upgrade request, so the connection is closed: no client waits for an answer
  // to it.
  server.on("request", ({ headers }, response) => {
    if (headers.upgrade !== undefined) response.setHeader("connection", "close")
  })
  // Expectations other than 100-continue may be ignored (RFC 9110, 10.1.1); Node's own 417 has no body.
  server.on("checkExpectation", (request, response) => server.emit("request", request, response))
  server.on("connect", (_, socket) => server.emit("clientError", ClientError.tunnel, socket))
}

/** After its timeout an idle connection is closed in order; one whose client does not read is reset. */
const cutStalled = (server: Server): void => {
  server.on("timeout", (socket) => {
    if (NodeConnection.pending(NodeConnection.of(socket)).length === 0) NodeConnection.finish(socket)
    else if (socket.writableLength > 0) socket.resetAndDestroy()
    else socket.destroy()
  })
}

/** Answers bytes that are not a request, with a body, after the answers still due on that connection. */
const answerErrors = (server: Server): void => {
  server.on("clientError", (error: Framing.ParseError, socket: Socket) => {
    if (error.code === "ECONNRESET" || !socket.writable) return void socket.destroy()
    const connection = NodeConnection.of(socket)
    // Its last answer is decided already.
    if (connection.isEnding) return
    NodeConnection.stop(socket)
    const pending = [...NodeConnection.pending(connection)]
    // A request whose body broke has no other answer.
    const broken = pending.at(-1)?.response.req.complete === false ? pending.pop()! : null
    broken?.leave?.()
    const refuse = (): void => {
      if (broken?.response.headersSent === true || !socket.writable) NodeConnection.finish(socket)
      else ClientError.refuse(socket, ClientError.of(error))
    }
    const last = pending.at(-1)?.response
    if (last === undefined) refuse()
    else last.once("close", refuse)
  })
}

/** Listens, until the scope closes. */
export const listen = (
  server: Server,
  host: string,
  port: number
): Effect.Effect<void, HttpServerError.ServeError, Scope.Scope> =>
  Effect.asVoid(NodeHttpServer.make(() => server, { host, port }))

/** Lets a core answer the requests until the scope closes. */
export const answer = (
  server: Server,
  core: HttpCore,
  limits: ListenerLimits.ListenerLimits = ListenerLimits.defaults
): Effect.Effect<void, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => NodeListener.attach(server, core, limits)),
    (detach) => Effect.sync(detach)
  )

/** The URL it listens at. */
export const urlOf = (server: Server): string => {
  const { address, family, port } = server.address() as AddressInfo
  return `http://${family === "IPv6" ? `[${address}]` : address}:${port}`
}

/** How often connections are checked for idleness, milliseconds. */
const sweepMillis = 25

/** From now on every answer closes its connection. New connections are still accepted. */
export const leave = (server: Server): Effect.Effect<void> => Effect.sync(() => Farewell.begin(Farewell.of(server)))

/**
 * Closes it, once the engine is draining. For `lingerMillis` requests are answered with that, and each answer closes
 * its connection. Then nothing new is accepted, connections idle for `lingerMillis` are closed, answers in progress are
 * written out within `closeMillis`, and the rest (event streams) is cut.
 */
export const close = (
  server: Server,
  { closeMillis, lingerMillis }: ListenerLimits.ListenerLimits = ListenerLimits.defaults
): Effect.Effect<void> =>
  Effect.gen(function* () {
    const farewell = Farewell.of(server)
    yield* leave(server)
    yield* Effect.sleep(lingerMillis)
    const { closed } = yield* Effect.promise(() => Farewell.stop(farewell, server))
    const sweeping = Effect.forever(
      Effect.zipRight(
        Effect.sync(() => Farewell.endSilent(farewell, lingerMillis)),
        Effect.sleep(sweepMillis)
      )
    )
    const ended = Race.first(
      Effect.promise(() => closed),
      sweeping
    )
    // A finalizer is uninterruptible, and a timeout needs interruption.
    yield* Effect.timeoutOption(Effect.interruptible(ended), closeMillis)
    server.closeAllConnections()
  })
