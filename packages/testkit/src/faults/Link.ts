/**
 * Link: a TCP proxy that can be broken: cut, so that both ends get an error, or silent, so that neither does. For
 * network faults between processes.
 */
import { randomInt } from "node:crypto"
import { connect, createServer, type Socket } from "node:net"
import { Effect, type Scope } from "effect"

/** A TCP proxy to a target. */
export interface Link {
  readonly port: number
  /** Resets all connections. New ones work as before. */
  readonly cut: Effect.Effect<void>
  /** While it is silent, nothing passes in either direction; sent data passes later. */
  readonly silence: (isSilent: boolean) => Effect.Effect<void>
  /** While answers are held, only requests pass. */
  readonly holdAnswers: (isHeld: boolean) => Effect.Effect<void>
  /** While closed, it refuses new connections, like a port without a listener. Open at the beginning. */
  readonly open: (isOpen: boolean) => Effect.Effect<void>
}

/** Opens a proxy to a port of this machine, which is looked up for each connection; it closes with the scope. */
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

// Below the ephemeral ports: the system assigns none of these between the check and its use.
const [firstPort, lastPort] = [20_000, 32_767]
const portTries = 100

/** A free port on the loopback, outside the ephemeral range. */
export const freePort = Effect.async<number>((resume) => {
  const look = (tries: number): void => {
    const port = randomInt(firstPort, lastPort)
    const probe = createServer()
    probe.once("error", (error) => (tries === 0 ? resume(Effect.die(error)) : look(tries - 1)))
    probe.listen(port, "127.0.0.1", () => probe.close(() => resume(Effect.succeed(port))))
  }
  look(portTries)
})
