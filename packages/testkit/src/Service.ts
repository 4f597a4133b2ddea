/**
 * Service: a real process that owns a file, and the door to whichever incarnation of it lives now: `onelane serve` over
 * HTTP, or a program that embeds the SDK.
 *
 * Owns starting, killing and starting anew; does not own the file.
 */
import type { CheckoutSessions } from "@onelane/checkout"
import { Effect, type Scope } from "effect"
import * as Doors from "./Doors.js"
import * as Program from "./Program.js"

/** How the service is reached. */
export type Kind = "http" | "sdk"

/** A service that can be killed. */
export interface Service {
  /** Leads to the incarnation that lives now. */
  readonly door: CheckoutSessions.CheckoutSessionsShape
  /** Starts an incarnation; fails with the reason when it cannot serve. */
  readonly start: Effect.Effect<void, string, Scope.Scope>
  /** Starts one and does not wait until it serves. */
  readonly begin: Effect.Effect<void, never, Scope.Scope>
  /** Kills the incarnation that lives now. */
  readonly kill: Effect.Effect<void>
  /** Where it listens (`http`). */
  readonly url: () => string
  readonly pid: () => number
  /** How the incarnation that lives now ended, once it has. */
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

/** Arguments of `onelane serve` over a file. */
const serveArgs = (storage: string, more: ReadonlyArray<string>): ReadonlyArray<string> => [
  ...[Program.onelane, "serve", "--port", "0", "--flow", "any", "--storage", storage],
  ...["--tokens", JSON.stringify(tokens), "--seed", JSON.stringify(seed), ...more]
]

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

  const begin = Effect.gen(function* () {
    let isServing = false
    let lines: Doors.Lines | undefined
    const onLine = (line: string): void => {
      if (isServing) return void lines?.hear(line)
      isServing = true
      if (kind === "http") url = (JSON.parse(line) as { readonly url: string }).url
    }
    const args = kind === "http" ? serveArgs(storage, more) : [Program.beside("embedded"), storage]
    program = yield* Program.node(args, { onLine, env })
    if (kind === "sdk") heard = lines = Doors.lines(program.tell)
  })

  const start = Effect.gen(function* () {
    yield* begin
    yield* Effect.mapError(program!.firstLine, ({ code, signal, stderr }) => `ended with ${code ?? signal}: ${stderr}`)
  })

  const kill = Effect.suspend(() => (program === undefined ? Effect.void : program.kill)).pipe(
    Effect.tap(() => Effect.sync(() => heard?.cut())),
    Effect.asVoid
  )

  const ended = Effect.suspend(() => program?.ended ?? Effect.never)

  const behindLines = new Proxy({} as CheckoutSessions.CheckoutSessionsShape, {
    get: (_, method: keyof CheckoutSessions.CheckoutSessionsShape) => heard?.service[method]
  })
  const door = kind === "http" ? Doors.http(() => url, token, patienceMillis) : behindLines
  return { door, begin, start, kill, url: () => url, pid: () => program?.pid ?? 0, ended }
}
