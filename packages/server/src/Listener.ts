/**
 * Listener: the TCP side of the server: the socket, its time-outs, and how it is closed so that nobody who was promised
 * an answer loses it.
 */
import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { Effect } from "effect"

/** Milliseconds a client may take for its head, and for its whole request. */
const headersMillis = 10_000
const requestMillis = 30_000

/** Milliseconds in which requests that were on their way when the engine drained are still answered. */
export const lingerMillis = 250

/** Milliseconds that answers under way may then take. */
export const closeGraceMillis = 2_000

/** Makes a listener; it hears nothing before its layer is built. */
export const make: Effect.Effect<Server> = Effect.sync(() =>
  createServer({ headersTimeout: headersMillis, requestTimeout: requestMillis })
)

/** The `HttpServer` on this listener. */
export const layer = (server: Server, host: string, port: number) =>
  NodeHttpServer.layerServer(() => server, { host, port })

/** Where it listens. */
export const urlOf = (server: Server): string => {
  const { address, family, port } = server.address() as AddressInfo
  return `http://${family === "IPv6" ? `[${address}]` : address}:${port}`
}

/**
 * Closes it, once the engine answers that it drains. For `lingerMillis` requests still get that answer, and every
 * connection ends with it; then nothing new is heard, answers under way are written out within `closeGraceMillis`, and
 * what is left (event streams) is cut.
 */
export const close = (server: Server): Effect.Effect<void> =>
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
    yield* Effect.timeoutOption(Effect.interruptible(Effect.raceFirst(closed, sweeping)), closeGraceMillis)
    server.closeAllConnections()
  })
