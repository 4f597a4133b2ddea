/**
 * Service: a real process that owns a file, and a door to its present incarnation: `onelane serve` over HTTP, or a
 * program that embeds the SDK.
 *
 * Owns starting, killing and restarting; does not own the file.
 */
import type { CheckoutSessions } from "@onelane/checkout"
import { Effect, type Scope } from "effect"
import * as Doors from "../clients/Doors.js"
import * as Link from "../faults/Link.js"
import * as Program from "./Program.js"

/**
 * How the service is reached: over HTTP, through a program that embeds the SDK, or over HTTP through unmodified SDK
 * clients in a separate program, which outlives the server.
 */
export type Kind = "http" | "sdk" | "clients"

/** A service that can be killed. */
export interface Service {
  /** Calls the present incarnation. */
  readonly door: CheckoutSessions.CheckoutSessionsShape
  /** Starts an incarnation; fails with the reason when it cannot serve. */
  readonly start: Effect.Effect<void, string, Scope.Scope>
  /** Starts an incarnation without waiting until it serves. */
  readonly begin: Effect.Effect<void, never, Scope.Scope>
  /** Kills the present incarnation. */
  readonly kill: Effect.Effect<void>
  /** Where it listens (`http`, `clients`). */
  readonly url: () => string
  /** The link from the clients to it (`clients`), once it has served. */
  readonly way: () => Link.Link | undefined
  readonly pid: () => number
  /** How the present incarnation ended, once it has. */
  readonly ended: Effect.Effect<Program.Ended>
}

/** The token of the operator, who may see and do everything. */
export const token = "operator"

/** Cart ids of the directory of a served one: `cart-0` and so on. */
const carts = 64

const tokens = {
  operator: { userId: "operator", roles: ["modify-all-data"] },
  buyer: { userId: "alice", roles: ["buyer-checkout"] }
}

const seed = {
  users: [{ id: "alice" }],
  stores: ["store"],
  accounts: [{ id: "acme", users: ["alice"], stores: ["store"] }],
  carts: Array.from({ length: carts }, (_, index) => ({
    ...{ id: `cart-${index}`, storeId: "store" },
    ...{ accountId: "acme", ownerId: "alice" }
  }))
}

/** Clients of the SDK; each has connections and retries of its own. */
const clientCount = 16

/** Arguments of `onelane serve` over a file. */
const serveArgs = (storage: string, more: ReadonlyArray<string>): ReadonlyArray<string> => [
  ...[Program.onelane, "serve", "--port", "0", "--flow", "any", "--storage", storage],
  ...["--tokens", JSON.stringify(tokens), "--seed", JSON.stringify(seed), ...more]
]

/** Starts the clients: a program that ends with the scope, independently of the server. */
const connect = (url: string): Effect.Effect<Doors.Lines, string, Scope.Scope> =>
  Effect.gen(function* () {
    let lines: Doors.Lines | undefined
    let isReady = false
    const onLine = (line: string): void => {
      if (isReady) lines?.hear(line)
      isReady = true
    }
    const clients = yield* Program.node([Program.beside("remote"), url, token, `${clientCount}`], { onLine })
    lines = Doors.lines(clients.tell)
    yield* Effect.mapError(clients.firstLine, ({ stderr }) => `the clients did not start: ${stderr}`)
    return lines
  })

/** Where a service lives. */
export interface Place {
  /** The SQLite file, or `:memory:`. */
  readonly storage: string
  readonly env?: Readonly<Record<string, string>> | undefined
  /** Further arguments of `onelane serve`. */
  readonly args?: ReadonlyArray<string> | undefined
  /** How long a call waits for its answer, milliseconds. Default: for ever. */
  readonly patienceMillis?: number | undefined
}

/** Makes a service; nothing is started. */
export const make = (kind: Kind, { storage, env, args: more = [], patienceMillis }: Place): Service => {
  let program: Program.Program | undefined
  let heard: Doors.Lines | undefined
  let url = "http://127.0.0.1:9"
  let link: Link.Link | undefined

  const begin = Effect.gen(function* () {
    let isServing = false
    let lines: Doors.Lines | undefined
    const onLine = (line: string): void => {
      if (isServing) return void lines?.hear(line)
      isServing = true
      if (kind === "sdk") return
      url = (JSON.parse(line) as { readonly url: string }).url
    }
    const args = kind === "sdk" ? [Program.beside("embedded"), storage] : serveArgs(storage, more)
    program = yield* Program.node(args, { onLine, env })
    if (kind === "sdk") heard = lines = Doors.lines(program.tell)
  })

  const start = Effect.gen(function* () {
    yield* begin
    yield* Effect.mapError(program!.firstLine, ({ code, signal, stderr }) => `ended with ${code ?? signal}: ${stderr}`)
    if (kind !== "clients") return
    link ??= yield* Link.make(() => Number(new URL(url).port))
    heard ??= yield* connect(`http://127.0.0.1:${link.port}`)
    yield* link.open(true)
  })

  const kill = Effect.suspend(() => (program === undefined ? Effect.void : program.kill)).pipe(
    Effect.tap(() => Effect.sync(() => kind === "sdk" && heard?.cut())),
    Effect.asVoid
  )

  const ended = Effect.suspend(() => program?.ended ?? Effect.never)

  const behindLines = new Proxy({} as CheckoutSessions.CheckoutSessionsShape, {
    get: (_, method: keyof CheckoutSessions.CheckoutSessionsShape) => heard?.service[method]
  })
  const door = kind === "http" ? Doors.http(() => url, token, patienceMillis) : behindLines
  return { door, begin, start, kill, url: () => url, way: () => link, pid: () => program?.pid ?? 0, ended }
}
