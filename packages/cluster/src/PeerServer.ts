/**
 * PeerServer: the ear of a node for its peers. It answers their calls from the engine of this node, whoever owns the
 * session: the fence decides, not the route.
 *
 * A node that was paused throws away what it hears first: its peers have given it up by then, and told their callers so.
 */
import { createHash, timingSafeEqual } from "node:crypto"
import type { Socket } from "node:net"
import { SocketServer } from "@effect/platform/SocketServer"
import * as NodeSocket from "@effect/platform-node/NodeSocket"
import * as NodeSocketServer from "@effect/platform-node/NodeSocketServer"
import * as RpcServer from "@effect/rpc/RpcServer"
import type { CheckoutSessions } from "@onelane/checkout"
import * as Cause from "effect/Cause"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as Layer from "effect/Layer"
import * as Mailbox from "effect/Mailbox"
import * as Runtime from "effect/Runtime"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import type { ClusterConfig } from "./ClusterConfig.js"
import * as PeerCalls from "./PeerCalls.js"

/** The port cannot be listened on. */
export class NodeRefused extends Data.TaggedError("NodeRefused")<{
  readonly message: string
  readonly cause: unknown
}> {}

/** A listening node. */
export interface PeerServer {
  readonly port: number
  /** From now on calls are answered. */
  readonly open: (service: CheckoutSessions.CheckoutSessionsShape) => void
  /** Bids the peers farewell: they ask no more, and go when they have their answers. */
  readonly leave: Effect.Effect<void>
}

/** A peer that is being heard. */
interface Hearer {
  readonly socket: Socket
  readonly answers: Mailbox.Mailbox<string>
  readonly running: Map<number, Fiber.RuntimeFiber<void>>
}

interface Hearing {
  readonly config: ClusterConfig
  readonly hearers: Map<number, Hearer>
  readonly fork: (effect: Effect.Effect<void>) => Fiber.RuntimeFiber<void>
  service: CheckoutSessions.CheckoutSessionsShape | null
  isLeaving: boolean
  aliveAtMillis: number
}

/** Listens until the scope closes. */
export const listen = (config: ClusterConfig): Effect.Effect<PeerServer, NodeRefused, Scope.Scope> =>
  Effect.gen(function* () {
    const hearing: Hearing = {
      config,
      hearers: new Map(),
      fork: Runtime.runFork(yield* Effect.runtime<never>()),
      service: null,
      isLeaving: false,
      aliveAtMillis: performance.now()
    }
    const sockets = yield* bind(config)
    yield* Layer.build(
      RpcServer.layer(PeerCalls.group, { disableTracing: true, disableFatalDefects: true }).pipe(
        Layer.provide([PeerCalls.group.toLayer(answering(hearing)), RpcServer.layerProtocolSocketServer]),
        Layer.provide([Layer.succeed(SocketServer, sockets), PeerCalls.serialization(config.frameCapacity)])
      )
    )
    const alive = Effect.sync(() => isPaused(hearing))
    yield* Effect.forkScoped(Effect.interruptible(Effect.repeat(alive, Schedule.spaced(config.heartbeatMillis))))
    return {
      port: (sockets.address as { readonly port: number }).port,
      open: (service) => {
        hearing.service = service
      },
      leave: Effect.suspend(() => leave(hearing))
    }
  })

const bind = ({ listenHost: host, listenPort: port }: ClusterConfig) =>
  Effect.mapError(
    NodeSocketServer.make({ host, port, noDelay: true }),
    (cause) => new NodeRefused({ message: `This node cannot listen on ${host}:${port}.`, cause })
  )

const answering = (hearing: Hearing) => ({
  Ping: () => Effect.void,
  Answers: ({ secret }: { readonly secret: string }, { clientId }: { readonly clientId: number }) =>
    Effect.gen(function* () {
      const socket = yield* NodeSocket.NetSocket
      if (hearing.service === null || hearing.isLeaving || !isSecret(secret, hearing.config.secret))
        return yield* turnAway(socket)
      const answers = yield* Mailbox.make<string>()
      const hearer: Hearer = { socket, answers, running: new Map() }
      yield* Effect.acquireRelease(
        Effect.sync(() => hearing.hearers.set(clientId, hearer)),
        () => Effect.sync(() => forget(hearing, clientId, hearer))
      )
      tell(hearer, ["welcome"])
      return answers
    }) as Effect.Effect<Mailbox.ReadonlyMailbox<string>, never, Scope.Scope>,
  Ask: ({ calls }: { readonly calls: ReadonlyArray<string> }, { clientId }: { readonly clientId: number }) =>
    Effect.sync(() => {
      const hearer = hearing.hearers.get(clientId)
      if (hearer === undefined || isPaused(hearing)) return
      for (const call of calls) take(hearing, hearer, JSON.parse(call))
    })
})

const turnAway = (socket: Socket): Effect.Effect<never> =>
  Effect.zipRight(
    Effect.sync(() => socket.destroy()),
    Effect.interrupt
  )

const tell = ({ answers }: Hearer, answer: PeerCalls.Answer): void => void answers.unsafeOffer(JSON.stringify(answer))

/** Nobody waits any more: a turn that has not begun is dropped, one that has begun finishes. */
const forget = ({ hearers }: Hearing, clientId: number, { running }: Hearer): void => {
  hearers.delete(clientId)
  for (const fiber of running.values()) fiber.unsafeInterruptAsFork(FiberId.none)
}

/** Whether this process stood still for longer than its peers bear; what they sent meanwhile goes with their connections. */
const isPaused = (hearing: Hearing): boolean => {
  const now = performance.now()
  const isLong = now - hearing.aliveAtMillis > hearing.config.silenceMillis
  hearing.aliveAtMillis = now
  if (isLong) for (const { socket } of hearing.hearers.values()) socket.resetAndDestroy()
  if (isLong) hearing.hearers.clear()
  return isLong
}

const take = (hearing: Hearing, hearer: Hearer, [call, method, caller, input]: PeerCalls.Call): void => {
  const { running } = hearer
  if (method === undefined) return running.get(call)?.unsafeInterruptAsFork(FiberId.none)
  if (!PeerCalls.methods.includes(method)) throw new TypeError("unknown method")
  const asked = hearing.service![method](caller as never, input as never) as Effect.Effect<unknown, unknown>
  let isAnswered = false
  const settled = Effect.onExit(asked, (exit) =>
    Effect.sync(() => {
      isAnswered = true
      running.delete(call)
      tell(hearer, answerOf(call, exit))
    })
  )
  const fiber = hearing.fork(Effect.asVoid(Effect.exit(settled)))
  if (!isAnswered) running.set(call, fiber)
}

const answerOf = (call: number, exit: Exit.Exit<unknown, unknown>): PeerCalls.Answer => {
  if (Exit.isSuccess(exit)) return [call, "ok", exit.value]
  const failed = Cause.failureOrCause(exit.cause)
  return failed._tag === "Left" ? [call, "refused", failed.left] : [call, "lost"]
}

/** Peers that do not go within the silence that is borne are left behind. */
const leave = (hearing: Hearing): Effect.Effect<void> => {
  hearing.isLeaving = true
  for (const hearer of hearing.hearers.values()) tell(hearer, ["farewell"])
  return Effect.sync(() => hearing.hearers.size === 0).pipe(
    Effect.repeat({ until: (none) => none, schedule: Schedule.spaced(10) }),
    Effect.timeoutOption(hearing.config.silenceMillis),
    Effect.asVoid
  )
}

const isSecret = (said: string, secret: string): boolean => timingSafeEqual(digest(said), digest(secret))

const digest = (text: string): Buffer => createHash("sha256").update(text).digest()
