/**
 * PeerServer: answers the calls of other nodes with this node's engine, whichever node owns the session: the fence
 * decides, not the route.
 *
 * After a pause a node discards what it received meanwhile: its peers have dropped it by then and told their callers
 * so.
 */
import { createHash, timingSafeEqual } from "node:crypto"
import type { Socket } from "node:net"
import * as NodeSocket from "@effect/platform-node/NodeSocket"
import * as NodeSocketServer from "@effect/platform-node/NodeSocketServer"
import type { CheckoutEngine, CheckoutSessions } from "@onelane/checkout"
import { Answer, Race } from "@onelane/engine"
import * as Cause from "effect/Cause"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Runtime from "effect/Runtime"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import type { ClusterConfig } from "./ClusterConfig.js"
import * as PeerCalls from "./PeerCalls.js"
import * as Wire from "./Wire.js"

/** This node cannot listen on its port. */
export class NodeRefused extends Data.TaggedError("NodeRefused")<{
  readonly message: string
  readonly cause: unknown
}> {}

/** The service and engine that answer. Updates need no fiber. */
export interface Answering {
  readonly service: CheckoutSessions.CheckoutSessionsShape
  readonly startUpdate: CheckoutEngine.CheckoutEngineShape["startUpdate"]
  readonly inspect: CheckoutEngine.CheckoutEngineShape["inspect"]
}

/** A listening node. */
export interface PeerServer {
  readonly port: number
  /** Starts to answer calls. */
  readonly open: (answering: Answering) => void
  /** Says goodbye to the peers: they send no more calls and disconnect when they have their answers. */
  readonly leave: Effect.Effect<void>
}

/** A connected peer. */
interface Hearer {
  readonly socket: Socket
  readonly wire: Wire.Wire<PeerCalls.Answered>
  /** Unanswered calls, and how to withdraw them. */
  readonly running: Map<number, () => void>
  /** Calls that wait for a session; the peer can continue the wait itself. */
  readonly waits: Set<number>
}

interface Hearing {
  readonly config: ClusterConfig
  readonly hearers: Set<Hearer>
  readonly runtime: Runtime.Runtime<never>
  answering: Answering | null
  isLeaving: boolean
  aliveAtMillis: number
}

/** Listens until the scope closes. */
export const listen = (config: ClusterConfig): Effect.Effect<PeerServer, NodeRefused, Scope.Scope> =>
  Effect.gen(function* () {
    const hearing: Hearing = {
      config,
      hearers: new Set(),
      runtime: yield* Effect.runtime<never>(),
      answering: null,
      isLeaving: false,
      aliveAtMillis: performance.now()
    }
    const sockets = yield* bind(config)
    // The library gives every connection its `NetSocket`, though the type does not say so.
    const attending = Effect.flatMap(NodeSocket.NetSocket, attend(hearing)) as Effect.Effect<void>
    yield* Effect.forkScoped(Effect.interruptible(sockets.run(() => attending)))
    const alive = Effect.sync(() => isPaused(hearing))
    yield* Effect.forkScoped(Effect.interruptible(Effect.repeat(alive, Schedule.spaced(config.heartbeatMillis))))
    return {
      port: (sockets.address as { readonly port: number }).port,
      open: (answering) => {
        hearing.answering = answering
      },
      leave: Effect.suspend(() => leave(hearing))
    }
  })

const bind = ({ listenHost: host, listenPort: port }: ClusterConfig) =>
  Effect.mapError(
    NodeSocketServer.make({ host, port, noDelay: true }),
    (cause) => new NodeRefused({ message: `This node cannot listen on ${host}:${port}.`, cause })
  )

/** Serves one connection until it ends. It is closed if no hello arrives within `silenceMillis`. */
const attend =
  (hearing: Hearing) =>
  (socket: Socket): Effect.Effect<void> =>
    Effect.suspend(() => {
      const wire = Wire.make<PeerCalls.Answered, PeerCalls.Asked>(socket, {
        capacity: hearing.config.frameCapacity,
        hear: (word) => hear(hearing, hearer, word),
        refuse: ([call]) => wire.say([call as number, "lost"])
      })
      const hearer: Hearer = { socket, wire, running: new Map(), waits: new Set() }
      const mute = Effect.suspend(() => (hearing.hearers.has(hearer) ? Effect.never : Effect.void))
      return Effect.ensuring(
        Race.first(Wire.ended(socket), Effect.delay(mute, hearing.config.silenceMillis)),
        Effect.sync(() => forget(hearing, hearer))
      )
    })

const hear = (hearing: Hearing, hearer: Hearer, word: PeerCalls.Asked): void => {
  if (word[0] === "hello") return greet(hearing, hearer, word[1]!)
  if (!hearing.hearers.has(hearer) || isPaused(hearing)) return
  if (word[0] === "alive?") return hearer.wire.say(["alive"])
  take(hearing, hearer, word as PeerCalls.Call)
}

const greet = (hearing: Hearing, hearer: Hearer, secret: unknown): void => {
  const isWelcome = hearing.answering !== null && !hearing.isLeaving && isSecret(secret, hearing.config.secret)
  if (!isWelcome) return void hearer.socket.destroy()
  hearing.hearers.add(hearer)
  hearer.wire.say(["welcome"])
}

/** Cancels a call: a turn that has not begun is dropped, one that has begun finishes. */
const forget = ({ hearers }: Hearing, hearer: Hearer): void => {
  hearers.delete(hearer)
  for (const withdraw of hearer.running.values()) withdraw()
}

/**
 * Whether this process was paused for longer than `silenceMillis`; what peers sent meanwhile is discarded with their
 * connections.
 */
const isPaused = (hearing: Hearing): boolean => {
  const now = performance.now()
  const isLong = now - hearing.aliveAtMillis > hearing.config.silenceMillis
  hearing.aliveAtMillis = now
  if (isLong) for (const { socket } of hearing.hearers) socket.resetAndDestroy()
  if (isLong) hearing.hearers.clear()
  return isLong
}

const take = (hearing: Hearing, hearer: Hearer, [call, method, caller, input]: PeerCalls.Call): void => {
  const { running, waits } = hearer
  if (method === undefined) {
    running.get(call)?.()
    return void running.delete(call)
  }
  if (!PeerCalls.methods.includes(method)) throw new TypeError("unknown method")
  const { startUpdate } = hearing.answering!
  const onExit = (exit: Exit.Exit<unknown, unknown>): void => {
    running.delete(call)
    waits.delete(call)
    hearer.wire.say(answerOf(call, exit))
  }
  if (method === "get") waits.add(call)
  const started =
    method === "update"
      ? startUpdate(caller as never, input as never)
      : Answer.fromEffect<unknown, unknown>(called(hearing.answering!, method, caller, input), hearing.runtime)
  if (!("listen" in started)) return onExit(started)
  running.set(call, started.withdraw)
  started.listen(onExit)
}

const called = (
  { inspect, service }: Answering,
  method: PeerCalls.Method,
  caller: unknown,
  input: unknown
): Effect.Effect<unknown, unknown> => {
  if (method === "inspect")
    return Effect.sync(() => inspect(String((input as CheckoutSessions.SessionInput).checkoutSessionId)))
  if (method !== "get") return service[method](caller as never, input as never)
  const { checkoutSessionId, wait } = input as PeerCalls.Arrival
  return service.get(caller as never, { checkoutSessionId }, wait)
}

const answerOf = (call: number, exit: Exit.Exit<unknown, unknown>): PeerCalls.Answer => {
  if (Exit.isSuccess(exit)) return [call, "ok", exit.value]
  const failed = Cause.failureOrCause(exit.cause)
  return failed._tag === "Left" ? [call, "refused", failed.left] : [call, "lost"]
}

/** Waits at most `silenceMillis` for the peers to disconnect. */
const leave = (hearing: Hearing): Effect.Effect<void> => {
  hearing.isLeaving = true
  for (const { running, waits, wire } of hearing.hearers) {
    wire.say(["farewell"])
    for (const call of waits) running.get(call)?.()
  }
  return Effect.sync(() => hearing.hearers.size === 0).pipe(
    Effect.repeat({ until: (none) => none, schedule: Schedule.spaced(10) }),
    Effect.timeoutOption(hearing.config.silenceMillis),
    Effect.asVoid
  )
}

const isSecret = (said: unknown, secret: string): boolean => timingSafeEqual(digest(String(said)), digest(secret))

const digest = (text: string): Buffer => createHash("sha256").update(text).digest()
