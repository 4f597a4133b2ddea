/**
 * Peer: a lasting connection from this node to another. A call was certainly not sent (`NotSent`), is answered, or is
 * lost (`Lost`): sent, with an unknown outcome. No call waits for a connection, and no call is sent twice.
 *
 * Owns one connection, its heartbeats and its unanswered calls; Membership decides who is a peer. A call needs no fiber
 * and no timer of its own.
 */
import { createConnection, type Socket } from "node:net"
import type { Caller } from "@onelane/checkout"
import { Race } from "@onelane/engine"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import type { ClusterConfig } from "./ClusterConfig.js"
import type * as PeerCalls from "./PeerCalls.js"
import * as Wire from "./Wire.js"

/** The outcome of a call. */
export type Outcome =
  /** The peer's answer. */
  | { readonly _tag: "Answered"; readonly value: unknown }
  /** The peer's refusal, unchanged. */
  | { readonly _tag: "Refused"; readonly error: unknown }
  /** The call certainly did not reach the peer. */
  | { readonly _tag: "NotSent" }
  /** The call was sent, and its answer will not come. */
  | { readonly _tag: "Lost" }

/** Another node. */
export interface Peer {
  /** Whether a call would be sent. */
  readonly isReady: () => boolean
  /** Calls the peer; `onOutcome` is called once, synchronously or later. The returned function cancels the call. */
  readonly ask: (
    method: PeerCalls.Method,
    caller: Caller.Caller,
    input: unknown,
    onOutcome: (outcome: Outcome) => void
  ) => () => void
}

/** The address of a peer. */
export interface Place {
  readonly host: string
  readonly port: number
}

const notSent: Outcome = { _tag: "NotSent" }
const lost: Outcome = { _tag: "Lost" }

interface Connection {
  readonly socket: Socket
  readonly wire: Wire.Wire<PeerCalls.Asked>
  readonly owed: Map<number, (outcome: Outcome) => void>
  ready: boolean
  isParting: boolean
  unheardBeats: number
}

/** Keeps a connection to the node at an address until the scope closes. */
export const make = (place: Place, config: ClusterConfig): Effect.Effect<Peer, never, Scope.Scope> =>
  Effect.gen(function* () {
    let current: Connection | null = null
    let calls = 0
    const once = connected(place, config, (connection) => {
      current = connection
    })
    const again = Effect.repeat(Effect.exit(once), Schedule.spaced(config.heartbeatMillis))
    yield* Effect.forkScoped(Effect.interruptible(again))
    return {
      isReady: () => current?.ready === true,
      ask: (method, caller, input, onOutcome) => {
        const connection = current
        if (!connection?.ready || connection.owed.size >= config.peerCapacity) {
          onOutcome(notSent)
          return () => {}
        }
        const call = ++calls
        connection.owed.set(call, onOutcome)
        // A copy: the message is sent later.
        connection.wire.say([call, method, caller, Object(input) === input ? { ...(input as object) } : input])
        return () => leave(connection, call)
      }
    }
  })

const leave = (connection: Connection, call: number): void => {
  if (!connection.owed.delete(call)) return
  connection.wire.say([call])
  part(connection)
}

/** One connection, from the hello to its end: the peer says goodbye, falls silent, or is gone. */
const connected = (place: Place, config: ClusterConfig, use: (connection: Connection | null) => void) =>
  Effect.scoped(
    Effect.gen(function* () {
      const socket = yield* Effect.timeout(dial(place), config.silenceMillis)
      const wire = Wire.make<PeerCalls.Asked, PeerCalls.Answered>(socket, {
        capacity: config.frameCapacity,
        hear: (word) => hear(connection, word),
        refuse: (word) => settle(connection, word[0], notSent)
      })
      const connection: Connection = { socket, wire, owed: new Map(), ready: false, isParting: false, unheardBeats: 0 }
      yield* Effect.addFinalizer(() =>
        Effect.sync(() => {
          use(null)
          giveUp(connection)
        })
      )
      wire.say(["hello", config.secret])
      use(connection)
      yield* Race.first(Wire.ended(socket), living(connection, config))
    })
  )

const dial = ({ host, port }: Place): Effect.Effect<Socket, Error, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => createConnection({ host, port, noDelay: true })),
    (socket) => Effect.sync(() => socket.destroy())
  ).pipe(
    Effect.tap((socket) =>
      Effect.async<void, Error>((resume) => {
        socket.on("error", (cause) => resume(Effect.fail(cause)))
        socket.once("connect", () => resume(Effect.void))
      })
    )
  )

const hear = (connection: Connection, [call, outcome, value]: PeerCalls.Answered): void => {
  if (call === "alive") connection.unheardBeats = 0
  else if (call === "welcome") connection.ready = true
  else if (call === "farewell") {
    connection.ready = false
    connection.isParting = true
  } else if (outcome === "ok") settle(connection, call, { _tag: "Answered", value })
  else settle(connection, call, outcome === "refused" ? { _tag: "Refused", error: value } : lost)
  part(connection)
}

const settle = ({ owed }: Connection, call: unknown, outcome: Outcome): void => {
  const onOutcome = owed.get(call as number)
  owed.delete(call as number)
  onOutcome?.(outcome)
}

/** Disconnects from a peer that said goodbye once it has answered everything. */
const part = ({ isParting, owed, socket }: Connection): void => {
  if (isParting && owed.size === 0) socket.destroy()
}

/**
 * Sends heartbeats. It counts missed heartbeats, not time: a pause of this process must not look like silence of the
 * peer.
 */
const living = (connection: Connection, { heartbeatMillis, silenceMillis }: ClusterConfig) =>
  Effect.suspend(() => {
    if (connection.unheardBeats++ * heartbeatMillis >= silenceMillis) return Effect.fail("silent")
    connection.wire.say(["alive?"])
    return Effect.void
  }).pipe(Effect.repeat(Schedule.spaced(heartbeatMillis)))

/** Ends all calls: `NotSent` if they were not sent, `Lost` otherwise. */
const giveUp = (connection: Connection): void => {
  for (const [call] of connection.wire.unsaid()) settle(connection, call, notSent)
  for (const call of [...connection.owed.keys()]) settle(connection, call, lost)
}
