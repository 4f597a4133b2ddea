/**
 * Peer: the way from this node to another one, kept open. A call either certainly did not leave (`NotSent`), is answered,
 * or is lost (`Lost`): it left, and nobody knows what became of it. Nothing waits for a connection.
 *
 * Owns one connection, its signs of life and the calls it owes; does not own who is a peer (Membership).
 */
import { connect, type Socket } from "node:net"
import type { Caller } from "@onelane/checkout"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import type { ClusterConfig } from "./ClusterConfig.js"
import * as Frames from "./Frames.js"
import type { Forwarded } from "./PeerServer.js"

/** The call certainly did not reach the peer. */
export interface NotSent {
  readonly _tag: "NotSent"
}

/** The call left, and its answer will not come. */
export interface Lost {
  readonly _tag: "Lost"
}

/** The peer's own refusal, as it said it. */
export interface Refused {
  readonly _tag: "Refused"
  readonly error: unknown
}

/** A peer. */
export interface Peer {
  /** Whether a call would leave. */
  readonly isReady: () => boolean
  /** Asks the peer. Interrupting tells it that nobody waits any more. */
  readonly ask: (
    method: Forwarded,
    caller: Caller.Caller,
    input: unknown
  ) => Effect.Effect<unknown, NotSent | Lost | Refused>
}

const notSent = Exit.fail<NotSent>({ _tag: "NotSent" })
const lost = Exit.fail<Lost>({ _tag: "Lost" })

type Answer = Exit.Exit<unknown, NotSent | Lost | Refused>

interface Connection {
  readonly socket: Socket
  readonly writer: Frames.FrameWriter
  readonly owed: Map<number, (answer: Answer) => void>
  ready: boolean
  heardAtMillis: number
}

/** Keeps a way to the node at an address open until the scope closes. */
export const make = (
  address: { readonly host: string; readonly port: number },
  config: ClusterConfig
): Effect.Effect<Peer, never, Scope.Scope> =>
  Effect.gen(function* () {
    let current: Connection | null = null
    let calls = 0
    const once = Effect.async<void>((resume) => {
      const connection = open(address, config, () => {
        current = null
        resume(Effect.void)
      })
      current = connection
      return Effect.sync(() => connection.socket.resetAndDestroy())
    })
    const living = Effect.repeat(
      Effect.sync(() => {
        if (current === null) return
        if (performance.now() - current.heardAtMillis > config.silenceMillis) current.socket.resetAndDestroy()
        else if (current.ready) current.writer.write([])
      }),
      Schedule.spaced(config.heartbeatMillis)
    )
    yield* Effect.forkScoped(Effect.interruptible(Effect.repeat(once, Schedule.spaced(config.heartbeatMillis))))
    yield* Effect.forkScoped(Effect.interruptible(living))
    return {
      isReady: () => current?.ready === true,
      ask: (method, caller, input) =>
        Effect.async((resume) => {
          const connection = current
          if (connection === null || !connection.ready || connection.owed.size >= config.peerCapacity)
            return resume(notSent)
          const call = ++calls
          try {
            connection.writer.write([call, method, caller, input])
          } catch {
            return resume(notSent) // an input that is no JSON
          }
          connection.owed.set(call, resume)
          return Effect.sync(() => {
            if (connection.owed.delete(call)) connection.writer.write([call])
          })
        })
    }
  })

const open = (
  address: { readonly host: string; readonly port: number },
  config: ClusterConfig,
  onClose: () => void
): Connection => {
  const socket = connect({ ...address, noDelay: true })
  const writer = Frames.writer(socket)
  const owed: Connection["owed"] = new Map()
  const connection: Connection = { socket, writer, owed, ready: false, heardAtMillis: performance.now() }
  socket.on("connect", () => writer.write(["hello", config.secret]))
  socket.on("data", () => {
    connection.heardAtMillis = performance.now()
  })
  Frames.listen(socket, config.frameCapacity, (frame) => {
    const [call, outcome, value] = frame as [number | "welcome" | undefined, "ok" | "refused" | "lost", unknown]
    if (call === "welcome") connection.ready = true
    const resume = typeof call === "number" ? owed.get(call) : undefined
    if (resume === undefined) return
    owed.delete(call as number)
    resume(outcome === "ok" ? Exit.succeed(value) : outcome === "refused" ? refused(value) : lost)
  })
  socket.on("error", () => {})
  socket.on("close", () => {
    connection.ready = false
    onClose()
    for (const resume of owed.values()) resume(lost)
    owed.clear()
  })
  return connection
}

const refused = (error: unknown): Exit.Exit<never, Refused> => Exit.fail({ _tag: "Refused", error })
