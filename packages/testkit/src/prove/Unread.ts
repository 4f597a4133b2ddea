/**
 * Unread: clients without a token that send and do not read. One writes thousands of requests at once, many leave one
 * long page unread. Meanwhile the server must answer health checks, and its memory must stay bounded. A client that
 * reads later gets a bounded number of answers, a refusal, and the end of the connection.
 */
import { readFileSync } from "node:fs"
import { connect } from "node:net"
import { Clock, Effect, type Scope } from "effect"
import * as RawClient from "../clients/RawClient.js"
import type * as Service from "../processes/Service.js"

/** What came of it. */
export interface UnreadOutcome {
  readonly path: string
  /** Time until another client got a health answer. */
  readonly aliveMillis: number
  readonly grownMebibytes: number
  /** Answers before the refusal, and the status of the last one. */
  readonly answers: number
  readonly last: number
}

/** Requests in one write, and clients who leave one page unread. */
const requests = 2_000
const clients = 200

const get = (path: string): Buffer => Buffer.from(`GET ${path} HTTP/1.1\r\nhost: a\r\n\r\n`)

/** Attacks a server by each of its open pages. */
export const run = (service: Service.Service): Effect.Effect<ReadonlyArray<UnreadOutcome>> => {
  const port = Number(new URL(service.url()).port)
  const attack = (path: string) => Effect.scoped(attacked(service, port, path))
  // The first reader of a document waits until it is made.
  const warm = Effect.forEach(["/docs", "/openapi.json"], (path) => RawClient.send(port, [get(path)], 1, 60_000))
  return Effect.zipRight(warm, Effect.forEach(["/docs", "/openapi.json", "/healthz"], attack))
}

const attacked = (
  service: Service.Service,
  port: number,
  path: string
): Effect.Effect<UnreadOutcome, never, Scope.Scope> =>
  Effect.gen(function* () {
    const before = mebibytes(service)
    yield* silent(port, Buffer.concat(Array.from({ length: requests }, () => get(path))))
    for (let client = 0; client < clients; client++) yield* silent(port, get(path))
    const fromMillis = yield* Clock.currentTimeMillis
    const alive = yield* RawClient.send(port, [get("/healthz")], 1, 60_000)
    const aliveMillis =
      alive.end === "enough" ? (yield* Clock.currentTimeMillis) - fromMillis : Number.POSITIVE_INFINITY
    const grownMebibytes = Math.max(0, mebibytes(service) - before)
    const short = Buffer.concat(Array.from({ length: requests }, () => get("/healthz")))
    const { answers } = yield* RawClient.send(port, [short], requests, 60_000)
    return { path, aliveMillis, grownMebibytes, answers: answers.length - 1, last: answers.at(-1)?.status ?? 0 }
  })

/** A connection that writes and never reads; it ends with the scope. */
const silent = (port: number, bytes: Buffer): Effect.Effect<void, never, Scope.Scope> =>
  Effect.asVoid(
    Effect.acquireRelease(
      Effect.async<ReturnType<typeof connect>>((resume) => {
        const socket = connect(port, "127.0.0.1")
        socket.on("error", () => {})
        socket.pause()
        socket.write(bytes, () => resume(Effect.succeed(socket)))
      }),
      (socket) => Effect.sync(() => socket.destroy())
    )
  )

const mebibytes = (service: Service.Service): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${service.pid()}/status`, "utf8"))?.[1] ?? 0) / 1024

/** What must hold on any machine. */
export const wrong = ({ aliveMillis, answers, grownMebibytes, last, path }: UnreadOutcome): ReadonlyArray<string> => [
  ...(aliveMillis > 5_000 ? [`${path}: the server was silent for ${aliveMillis} ms`] : []),
  ...(grownMebibytes > 160 ? [`${path}: memory grew by ${Math.round(grownMebibytes)} MiB`] : []),
  ...(answers > 64 ? [`${path}: one connection had ${answers} unanswered requests`] : []),
  ...(last === 503 ? [] : [`${path}: a connection with too many unanswered requests ended with ${last}`])
]
