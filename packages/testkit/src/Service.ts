/**
 * Service: a real process that owns a file, and the door to whichever incarnation of it lives now: `onelane serve` over
 * HTTP, or a program that embeds the SDK.
 *
 * Owns starting, killing and starting anew; does not own the file.
 */
import { join } from "node:path"
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

/** Makes a service over files in `folder`; nothing is started. `more`: further arguments of `onelane serve`. */
export const make = (kind: Kind, folder: string, more: ReadonlyArray<string> = []): Service => {
  const storage = more.includes("--storage") ? [] : [join(folder, "checkout.db")]
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
    const args = kind === "http" ? serveArgs(storage[0] ?? ":memory:", more) : [Program.beside("embedded"), storage[0]!]
    program = yield* Program.node(args, { onLine })
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

  const behindLines = new Proxy({} as CheckoutSessions.CheckoutSessionsShape, {
    get: (_, method: keyof CheckoutSessions.CheckoutSessionsShape) => heard?.service[method]
  })
  const door = kind === "http" ? Doors.http(() => url, token) : behindLines
  return { door, begin, start, kill, url: () => url, pid: () => program?.pid ?? 0 }
}
