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
  /** While answers are held, only requests pass. */
  readonly holdAnswers: (isHeld: boolean) => Effect.Effect<void>
  /** Closed, it refuses new connections, as a machine does on whose port nobody listens. Open at the beginning. */
  readonly open: (isOpen: boolean) => Effect.Effect<void>
}

/** Opens a way to a port of this machine, known or not yet known; gone when the scope closes. */
export const make = (target: () => number): Effect.Effect<Link, never, Scope.Scope> =>
  Effect.gen(function* () {
    const sockets = new Set<Socket>()
    const answering = new Set<Socket>()
    let isSilent = false
    let isHeld = false
    const track = (socket: Socket, other: Socket): void => {
      sockets.add(socket)
      socket.on("data", (chunk) => other.write(chunk))
      socket.on("error", () => {})
      socket.on("close", () => {
        sockets.delete(socket)
        answering.delete(socket)
        other.destroy()
      })
      if (isSilent) socket.pause()
    }
    const server = createServer({ noDelay: true }, (near) => {
      const far = connect({ host: "127.0.0.1", port: target(), noDelay: true })
      track(near, far)
      track(far, near)
      answering.add(far)
      if (isHeld) far.pause()
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
    const { port } = server.address() as { readonly port: number }
    return {
      port,
      cut,
      silence: (on) =>
        Effect.sync(() => {
          isSilent = on
          for (const socket of sockets) on ? socket.pause() : socket.resume()
        }),
      holdAnswers: (on) =>
        Effect.sync(() => {
          isHeld = on
          for (const socket of answering) on ? socket.pause() : socket.resume()
        }),
      open: (isOpen) =>
        Effect.async<void>((resume) => {
          if (isOpen === server.listening) return resume(Effect.void)
          if (isOpen) return void server.listen(port, "127.0.0.1", () => resume(Effect.void))
          server.close()
          resume(Effect.void)
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
