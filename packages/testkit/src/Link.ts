/**
 * Link: a TCP address that leads to another one, and can be broken on the way: cut, so that both ends are told, or silent,
 * so that neither is. For faults between processes that only see each other.
 */
import { connect, createServer, type Socket } from "node:net"
import { Effect, type Scope } from "effect"

/** A way to somewhere. */
export interface Link {
  readonly port: number
  /** Ends all connections on it, as a reset. New ones are made as before. */
  readonly cut: Effect.Effect<void>
  /** While it is silent nothing passes, in either direction; what was sent passes later. */
  readonly silence: (isSilent: boolean) => Effect.Effect<void>
}

/** Opens a way to a port of this machine, known or not yet known; gone when the scope closes. */
export const make = (target: () => number): Effect.Effect<Link, never, Scope.Scope> =>
  Effect.gen(function* () {
    const sockets = new Set<Socket>()
    let isSilent = false
    const track = (socket: Socket, other: Socket): void => {
      sockets.add(socket)
      socket.on("data", (chunk) => other.write(chunk))
      socket.on("error", () => {})
      socket.on("close", () => {
        sockets.delete(socket)
        other.destroy()
      })
      if (isSilent) socket.pause()
    }
    const server = createServer({ noDelay: true }, (near) => {
      const far = connect({ host: "127.0.0.1", port: target(), noDelay: true })
      track(near, far)
      track(far, near)
    })
    const cut = Effect.sync(() => {
      for (const socket of sockets) socket.resetAndDestroy()
    })
    yield* Effect.acquireRelease(
      Effect.async<void>((resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.void))),
      () =>
        Effect.zipRight(
          Effect.sync(() => server.close()),
          cut
        )
    )
    return {
      port: (server.address() as { readonly port: number }).port,
      cut,
      silence: (on) =>
        Effect.sync(() => {
          isSilent = on
          for (const socket of sockets) on ? socket.pause() : socket.resume()
        })
    }
  })

/** A port of the loopback that nobody listens on. */
export const freePort = Effect.async<number>((resume) => {
  const probe = createServer()
  probe.listen(0, "127.0.0.1", () => {
    const { port } = probe.address() as { readonly port: number }
    probe.close(() => resume(Effect.succeed(port)))
  })
})
