/**
 * PeerServer: the ear of a node for its peers. It answers their calls from the engine of this node, whoever owns the
 * session: the fence decides, not the route.
 *
 * A node that was paused throws away what it hears first: its peers have given it up by then, and told their callers so.
 */
import { createHash, timingSafeEqual } from "node:crypto"
import { createServer, type Server, type Socket } from "node:net"
import type { CheckoutSessions } from "@onelane/checkout"
import * as Cause from "effect/Cause"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as Runtime from "effect/Runtime"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import type { ClusterConfig } from "./ClusterConfig.js"
import * as Frames from "./Frames.js"

/** The methods a node may ask of another. */
export type Forwarded = "update" | "cancel" | "completeTask" | "failTask" | "releaseClaim"

const forwarded: ReadonlySet<unknown> = new Set<Forwarded>([
  "update",
  "cancel",
  "completeTask",
  "failTask",
  "releaseClaim"
])

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
}

interface Hearing {
  readonly config: ClusterConfig
  readonly sockets: Set<Socket>
  readonly fork: (effect: Effect.Effect<void>) => Fiber.RuntimeFiber<void>
  service: CheckoutSessions.CheckoutSessionsShape | null
  aliveAtMillis: number
}

/** Listens until the scope closes. */
export const listen = (config: ClusterConfig): Effect.Effect<PeerServer, NodeRefused, Scope.Scope> =>
  Effect.gen(function* () {
    const hearing: Hearing = {
      config,
      sockets: new Set(),
      fork: Runtime.runFork(yield* Effect.runtime<never>()),
      service: null,
      aliveAtMillis: performance.now()
    }
    const server = createServer({ noDelay: true }, (socket) => hear(hearing, socket))
    yield* Effect.acquireRelease(bind(server, config), () => Effect.sync(() => close(server, hearing)))
    const alive = Effect.sync(() => {
      hearing.aliveAtMillis = performance.now()
    })
    yield* Effect.forkScoped(Effect.interruptible(Effect.repeat(alive, Schedule.spaced(config.heartbeatMillis))))
    return {
      port: (server.address() as { readonly port: number }).port,
      open: (service) => {
        hearing.service = service
      }
    }
  })

const bind = (server: Server, { listenHost, port }: ClusterConfig): Effect.Effect<void, NodeRefused> =>
  Effect.async((resume) => {
    const onError = (cause: Error) =>
      resume(Effect.fail(new NodeRefused({ message: `This node cannot listen on ${listenHost}:${port}.`, cause })))
    server.once("error", onError)
    server.listen(port, listenHost, () => resume(Effect.void))
  })

const close = (server: Server, { sockets }: Hearing): void => {
  server.close()
  for (const socket of sockets) socket.end()
}

const hear = (hearing: Hearing, socket: Socket): void => {
  const { config } = hearing
  const writer = Frames.writer(socket)
  const running = new Map<number, Fiber.RuntimeFiber<void>>()
  let known = false
  hearing.sockets.add(socket)
  socket.on("error", () => {})
  socket.on("close", () => {
    hearing.sockets.delete(socket)
    for (const fiber of running.values()) leave(fiber)
  })
  Frames.listen(socket, config.frameCapacity, (frame) => {
    if (performance.now() - hearing.aliveAtMillis > config.silenceMillis) return void socket.resetAndDestroy()
    const [call, method, caller, input] = frame as [unknown, unknown, never, never]
    if (!known) {
      if (call !== "hello" || !isSecret(method, config.secret)) return void socket.resetAndDestroy()
      known = true
      if (hearing.service === null) return void socket.end()
      return writer.write(["welcome"])
    }
    if (typeof call !== "number") return writer.write([])
    if (method === undefined) return leave(running.get(call))
    if (!forwarded.has(method)) throw new TypeError("unknown method")
    const asked = hearing.service![method as Forwarded](caller, input) as Effect.Effect<unknown, unknown>
    let answered = false
    const answering = Effect.onExit(asked, (exit) =>
      Effect.sync(() => {
        answered = true
        running.delete(call)
        writer.write(answerOf(call, exit))
      })
    )
    const fiber = hearing.fork(Effect.asVoid(Effect.exit(answering)))
    if (!answered) running.set(call, fiber)
  })
}

/** Nobody waits any more: a turn that has not begun is dropped, one that has begun finishes. */
const leave = (fiber: Fiber.RuntimeFiber<void> | undefined): void =>
  fiber === undefined ? undefined : fiber.unsafeInterruptAsFork(FiberId.none)

const answerOf = (call: number, exit: Exit.Exit<unknown, unknown>): unknown => {
  if (Exit.isSuccess(exit)) return [call, "ok", exit.value]
  const failed = Cause.failureOrCause(exit.cause)
  return failed._tag === "Left" ? [call, "refused", failed.left] : [call, "lost"]
}

const isSecret = (said: unknown, secret: string): boolean =>
  typeof said === "string" && timingSafeEqual(digest(said), digest(secret))

const digest = (text: string): Buffer => createHash("sha256").update(text).digest()
