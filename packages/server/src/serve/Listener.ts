/**
 * Listener: the TCP side of the server: the socket, its bounds, what is said to those who speak no HTTP, and how it is
 * closed so that nobody who was promised an answer loses it.
 *
 * A client that closes its half of the connection still gets its answer. Headers that come twice are joined, so that no
 * two readers can take a different one of them.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import type { AddressInfo, Socket } from "node:net"
import type * as HttpServerError from "@effect/platform/HttpServerError"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { type HttpCore, NodeListener } from "@onelane/http"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as ListenerLimits from "../settings/ListenerLimits.js"
import * as ClientError from "./ClientError.js"

/** Connections that are answered 503, beyond which they are only closed. */
const refusedMaxCount = 256

/** How often overdue clients are looked for. */
const lookMillis = 500

/** Makes a listener; it hears nothing before `listen`. */
export const make = (limits: ListenerLimits.ListenerLimits = ListenerLimits.defaults): Effect.Effect<Server> =>
  Effect.sync(() => {
    const server = createServer({
      maxHeaderSize: limits.headersMaxBytes,
      headersTimeout: Math.min(limits.headersMillis, limits.requestMillis),
      requestTimeout: limits.requestMillis,
      keepAliveTimeout: limits.idleMillis,
      connectionsCheckingInterval: Math.min(lookMillis, limits.headersMillis),
      joinDuplicateHeaders: true,
      // Node would answer a request without a host by itself, with an empty body.
      requireHostHeader: false
    })
    // The bytes of the headers are bounded; a bound on their number would drop the rest without a word.
    server.maxHeadersCount = 0
    server.timeout = limits.stallMillis
    server.maxConnections = limits.connectionsMaxCount + refusedMaxCount
    Object.assign(server, { httpAllowHalfOpen: true })
    refuseBeyond(server, limits.connectionsMaxCount)
    answerErrors(server)
    refuseHostless(server)
    refuseTunnels(server)
    return server
  })

/** One connection too many is told so before it is listened to. */
const refuseBeyond = (server: Server, maxCount: number): void => {
  let open = 0
  const [accept] = server.listeners("connection")
  server.removeAllListeners("connection")
  server.on("connection", (socket: Socket) => {
    if (open >= maxCount) return ClientError.refuse(socket, ClientError.tooManyConnections)
    open += 1
    socket.once("close", () => {
      open -= 1
    })
    accept!.call(server, socket)
  })
}

/** A request of HTTP/1.1 names its host; one that does not is answered before anybody acts on it. */
const refuseHostless = (server: Server): void => {
  const emit = server.emit.bind(server)
  // Every request comes through here: no list of arguments is made for it.
  server.emit = (event: string, first?: unknown, second?: unknown, third?: unknown): boolean => {
    if (event === "request") {
      const { headers, httpVersion, socket } = first as IncomingMessage
      if (headers.host === undefined && httpVersion === "1.1") {
        ClientError.refuse(socket, ClientError.of("HPE_NO_HOST"))
        return true
      }
    }
    return emit(event, first, second, third)
  }
}

/**
 * Nothing but HTTP/1.1 is spoken: a wish for another protocol is not heard, and the request is answered as it is; a tunnel
 * (CONNECT) is refused like any method that is not allowed, where Node would close without a word.
 */
const refuseTunnels = (server: Server): void => {
  // With anybody listening for it Node hands over the bare socket: no time-out and no close would reach it any more.
  server.on("newListener", (event) => {
    if (event === "upgrade") queueMicrotask(() => server.removeAllListeners("upgrade"))
  })
  // The parser drops what was sent behind such a wish: the connection ends, so that nobody waits for an answer to it.
  server.on("request", ({ headers }, response) => {
    if (headers.upgrade !== undefined) response.setHeader("connection", "close")
  })
  // What is expected besides 100-continue may be passed over (RFC 9110, 10.1.1); Node's own 417 has no body.
  server.on("checkExpectation", (request, response) => server.emit("request", request, response))
  server.on("connect", (_, socket) => server.emit("clientError", ClientError.tunnel, socket))
}

/** What cannot be read as a request gets an answer with a body, after the answers that connection still waits for. */
const answerErrors = (server: Server): void => {
  const heard = new WeakMap<Socket, Array<ServerResponse>>()
  server.on("request", ({ socket }: IncomingMessage, response: ServerResponse) => {
    const responses = heard.get(socket)
    const last = responses?.at(-1)
    if (last === undefined) heard.set(socket, [response])
    // Answers are given in order: with the last one, all are.
    else if (!last.closed) responses!.push(response)
    else if (responses!.length === 1) responses![0] = response
    else heard.set(socket, [response])
  })
  server.on("clientError", (error: NodeJS.ErrnoException, socket: Socket) => {
    if (error.code === "ECONNRESET" || !socket.writable) return void socket.destroy()
    const answer = ClientError.of(error.code ?? "")
    const responses = (heard.get(socket) ?? []).filter(({ closed }) => !closed)
    // A request whose own body broke will not be answered otherwise.
    const broken = responses.find(({ req }) => !req.complete)
    if (broken !== undefined) {
      if (broken.headersSent) return void socket.destroy()
      return ClientError.refuse(socket, answer)
    }
    const last = responses.at(-1)
    if (last === undefined) return ClientError.refuse(socket, answer)
    last.once("close", () => (socket.writable ? ClientError.refuse(socket, answer) : socket.destroy()))
  })
}

/** Listens, until the scope closes. */
export const listen = (
  server: Server,
  host: string,
  port: number
): Effect.Effect<void, HttpServerError.ServeError, Scope.Scope> =>
  Effect.asVoid(NodeHttpServer.make(() => server, { host, port }))

/** Lets a core answer what it hears, until the scope closes. */
export const answer = (server: Server, core: HttpCore): Effect.Effect<void, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const listener = NodeListener.make(core)
      server.on("request", listener)
      return listener
    }),
    (listener) => Effect.sync(() => server.off("request", listener))
  )

/** Where it listens. */
export const urlOf = (server: Server): string => {
  const { address, family, port } = server.address() as AddressInfo
  return `http://${family === "IPv6" ? `[${address}]` : address}:${port}`
}

/**
 * Closes it, once the engine answers that it drains. For `lingerMillis` requests still get that answer, and every
 * connection ends with it; then nothing new is heard, answers under way are written out within `closeMillis`, and
 * what is left (event streams) is cut.
 */
export const close = (
  server: Server,
  { closeMillis, lingerMillis }: ListenerLimits.ListenerLimits = ListenerLimits.defaults
): Effect.Effect<void> =>
  Effect.gen(function* () {
    server.prependListener("request", (_, response) => response.setHeader("connection", "close"))
    yield* Effect.sleep(lingerMillis)
    const closed = Effect.async<void>((resume) => void server.close(() => resume(Effect.void)))
    const sweeping = Effect.forever(
      Effect.delay(
        Effect.sync(() => server.closeIdleConnections()),
        50
      )
    )
    // A finalizer runs uninterruptibly, and a bound that cannot interrupt is none.
    yield* Effect.timeoutOption(Effect.interruptible(Effect.raceFirst(closed, sweeping)), closeMillis)
    server.closeAllConnections()
  })
