/**
 * Peer: the way from this node to another one, kept open. A call either certainly did not leave (`NotSent`), is answered,
 * or is lost (`Lost`): it left, and nobody knows what became of it. Nothing waits for a connection, and nothing that was
 * given up is sent again: the library's rpc is used on one connection at a time, without its retries.
 *
 * Owns one connection, its signs of life and the calls it owes; does not own who is a peer (Membership).
 */

import { Socket } from "@effect/platform/Socket"
import * as NodeSocket from "@effect/platform-node/NodeSocket"
import * as RpcClient from "@effect/rpc/RpcClient"
import type { RpcClientError } from "@effect/rpc/RpcClientError"
import type { Caller } from "@onelane/checkout"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Mailbox from "effect/Mailbox"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import type { ClusterConfig } from "./ClusterConfig.js"
import * as PeerCalls from "./PeerCalls.js"

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
    method: PeerCalls.Method,
    caller: Caller.Caller,
    input: unknown
  ) => Effect.Effect<unknown, NotSent | Lost | Refused>
}

/** Where a peer listens. */
export interface Place {
  readonly host: string
  readonly port: number
}

type Outcome = Exit.Exit<unknown, NotSent | Lost | Refused>

const notSent: Outcome = Exit.fail({ _tag: "NotSent" })
const lost: Outcome = Exit.fail({ _tag: "Lost" })

interface Spoken {
  readonly call: number
  readonly text: string
}

interface Connection {
  readonly outbox: Mailbox.Mailbox<Spoken>
  readonly owed: Map<number, (outcome: Outcome) => void>
  ready: boolean
}

type Client = RpcClient.FromGroup<typeof PeerCalls.group, RpcClientError>
type Answers = Mailbox.ReadonlyMailbox<string, RpcClientError>

/** Keeps a way to the node at a place open until the scope closes. */
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
      ask: (method, caller, input) =>
        Effect.async((resume) => {
          const connection = current
          if (!connection?.ready || connection.owed.size >= config.peerCapacity) return resume(notSent)
          const call = ++calls
          const text = textOf([call, method, caller, input])
          if (text === null || text.length > config.frameCapacity >> 2) return resume(notSent)
          connection.owed.set(call, resume)
          connection.outbox.unsafeOffer({ call, text })
          return Effect.sync(() => {
            if (connection.owed.delete(call)) connection.outbox.unsafeOffer({ call, text: JSON.stringify([call]) })
          })
        })
    }
  })

const textOf = (call: PeerCalls.Call): string | null => {
  try {
    return JSON.stringify(call)
  } catch {
    return null // an input that is no JSON
  }
}

/** One connection, from the welcome to its end; it ends when the peer says so, is silent, or is gone. */
const connected = (place: Place, config: ClusterConfig, use: (connection: Connection | null) => void) =>
  Effect.scoped(
    Effect.gen(function* () {
      const client = yield* dial(place, config)
      const { peerCapacity: streamBufferSize, secret, silenceMillis } = config
      const answers = yield* client.Answers({ secret }, { asMailbox: true, streamBufferSize })
      yield* Effect.timeout(answers.take, silenceMillis)
      const connection: Connection = { outbox: yield* Mailbox.make<Spoken>(), owed: new Map(), ready: true }
      yield* Effect.addFinalizer(() =>
        Effect.zipRight(
          Effect.sync(() => use(null)),
          giveUp(connection)
        )
      )
      use(connection)
      yield* hearing(connection, answers).pipe(
        Effect.raceFirst(speaking(connection, client, config)),
        Effect.raceFirst(living(client, config))
      )
    })
  )

/** The library's client on one socket, which is not dialled again. */
const dial = ({ host, port }: Place, { silenceMillis: openTimeout }: ClusterConfig) =>
  Effect.gen(function* () {
    const socket = yield* NodeSocket.makeNet({ host, port, openTimeout, noDelay: true })
    const protocol = yield* RpcClient.makeProtocolSocket({ retrySchedule: Schedule.stop }).pipe(
      Effect.provideService(Socket, socket),
      Effect.provide(PeerCalls.serialization("unbounded"))
    )
    return yield* Effect.provideService(
      RpcClient.make(PeerCalls.group, { disableTracing: true }),
      RpcClient.Protocol,
      protocol
    )
  })

const hearing = (connection: Connection, answers: Answers) =>
  Effect.gen(function* () {
    while (connection.ready || connection.owed.size > 0) {
      const [texts, done] = yield* answers.takeAll
      for (const text of texts) hear(connection, JSON.parse(text))
      if (done) return
    }
  })

const hear = (connection: Connection, [call, outcome, value]: PeerCalls.Answer): void => {
  if (call === "farewell") connection.ready = false
  if (typeof call !== "number") return
  const resume = connection.owed.get(call)
  if (resume === undefined) return
  connection.owed.delete(call)
  resume(outcome === "ok" ? Exit.succeed(value) : outcome === "refused" ? refused(value) : lost)
}

const refused = (error: unknown): Outcome => Exit.fail({ _tag: "Refused", error })

/** Sends what gathered while the last message was under way. */
const speaking = ({ outbox }: Connection, client: Client, { frameCapacity }: ClusterConfig) =>
  Effect.forever(
    Effect.flatMap(outbox.takeAll, ([spoken]) =>
      Effect.forEach(
        PeerCalls.parcels(
          Chunk.toReadonlyArray(spoken).map(({ text }) => text),
          frameCapacity >> 2
        ),
        (calls) => client.Ask({ calls }),
        { discard: true }
      )
    )
  )

/** Asks for signs of life. Beats are counted, not time: what this process itself did not hear in time is no silence. */
const living = (client: Client, { heartbeatMillis, silenceMillis }: ClusterConfig) =>
  Effect.suspend(() => {
    let unheard = 0
    const ping = Effect.map(client.Ping(), () => {
      unheard = 0
    })
    const beat = Effect.suspend(() =>
      unheard++ * heartbeatMillis < silenceMillis ? Effect.forkScoped(Effect.ignore(ping)) : Effect.fail("silent")
    )
    return Effect.repeat(beat, Schedule.spaced(heartbeatMillis))
  })

/** What was not sent is certain, what was is not. */
const giveUp = ({ outbox, owed }: Connection): Effect.Effect<void> =>
  Effect.map(outbox.clear, (unsent) => {
    for (const { call } of unsent) {
      owed.get(call)?.(notSent)
      owed.delete(call)
    }
    for (const resume of owed.values()) resume(lost)
    owed.clear()
  })
