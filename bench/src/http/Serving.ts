/**
 * Serving: `onelane serve` in this process, with the settings of its command line, and a process that loads it; only
 * the CPU time of this process counts. The task of P16. Its log goes to a file, as with `2>`, and must have a line for
 * each request.
 */
import { fork } from "node:child_process"
import { once } from "node:events"
import { openSync, readFileSync, writeSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { ServeConfig, serve } from "@onelane/server"
import { Effect, Either, Fiber } from "effect"
import { firstState } from "../Load.js"
import * as Postgres from "../Postgres.js"
import { type Runner, timed } from "../Runner.js"
import { makeDirectory } from "../WorkingFolder.js"
import * as Collector from "./Collector.js"
import { type Done, type Order, token } from "./Load.js"

/** What `start` is given. */
export interface Options {
  readonly storage: "memory" | "PostgreSQL"
  readonly logs: boolean
  /** The share of requests that are traced; null: no tracing. */
  readonly traced: number | null
  readonly clustered: boolean
  readonly connections: number
  readonly requests: number
}

const carts = (count: number) => Array.from({ length: count }, (_, index) => `cart-${index}`)

const seedOf = (connections: number): string =>
  JSON.stringify({
    users: [{ id: "bench" }],
    stores: ["store"],
    accounts: [{ id: "account", users: ["bench"], stores: ["store"] }],
    carts: carts(connections).map((id) => ({ id, storeId: "store", accountId: "account", ownerId: "bench" }))
  })

const argsOf = (options: Options, storage: string, otlp: string | null): ReadonlyArray<string> => [
  ...["--storage", storage, "--port", "0", "--flow", "any", "--seed", seedOf(options.connections)],
  ...["--tokens", JSON.stringify({ [token]: { userId: "bench", roles: ["modify-all-data"] } })],
  ...(options.logs ? ["--log-requests"] : []),
  ...(otlp === null ? [] : ["--otlp", otlp, "--trace-ratio", String(options.traced)]),
  ...(options.clustered ? ["--cluster", "127.0.0.1:0"] : [])
]

const serving = async (args: ReadonlyArray<string>) => {
  const config = Either.getOrThrowWith(
    ServeConfig.parse(args, {}, (path) => readFileSync(path, "utf8")),
    (text) => new Error(text)
  )
  let listening = (_url: string): void => {}
  const url = new Promise<string>((resolve) => {
    listening = resolve
  })
  const fiber = Effect.runFork(serve(config, (at) => Effect.sync(() => listening(at))))
  const ended = Effect.runPromise(Fiber.join(fiber)) as Promise<string>
  ended.catch(() => {})
  return { url: await Promise.race([url, ended]), stop: () => Effect.runPromise(Fiber.interrupt(fiber)) }
}

const opened = (url: string, connections: number): Promise<ReadonlyArray<string>> =>
  Promise.all(
    carts(connections).map(async (cartId) => {
      const answer = await fetch(`${url}/v1/checkout-sessions`, {
        method: "POST",
        headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
        body: JSON.stringify({ cartId })
      })
      const body = (await answer.json()) as { readonly session: { readonly id: string } }
      if (!answer.ok) throw new Error(`${cartId}: ${JSON.stringify(body)}`)
      return body.session.id
    })
  )

/** Redirects standard error to a file from now on; returns a function that reads the file. */
const errorsInFile = (): (() => string) => {
  const path = join(makeDirectory(), "log")
  const file = openSync(path, "a")
  process.stderr.write = (text: string | Uint8Array): boolean => writeSync(file, text as string) >= 0
  console.error = (text: string) => void process.stderr.write(`${text}\n`)
  return () => readFileSync(path, "utf8")
}

/** Starts the server and its load. `onOpened` gets the address and the sessions. */
export const start = async (
  options: Options,
  onOpened: (url: string, ids: ReadonlyArray<string>) => void = () => {}
): Promise<Runner> => {
  const logged = errorsInFile()
  const { connections, requests, storage, traced } = options
  const database = storage === "PostgreSQL" ? await Postgres.start() : null
  const collector = traced === null ? null : await Collector.start()
  const { stop, url } = await serving(argsOf(options, database?.url ?? ":memory:", collector?.url ?? null))
  const ids = await opened(url, connections)
  onOpened(url, ids)
  const load = fork(fileURLToPath(new URL("./Load.js", import.meta.url)), ["load"])
  let standing: Order["sessions"] = ids.map((id) => ({ id, state: firstState, version: 1 }))
  let [sent, judged] = [0, 0]
  let fault: string | null = null
  const shares = async (): Promise<string | null> => {
    const lines = logged().split('"message":"Request"').length - 1
    if (options.logs && lines !== sent + connections) return `${lines} lines tell of ${sent + connections} requests`
    const spans = (await collector?.spans()) ?? 0
    return traced === 1 && spans !== sent + connections ? `${spans} spans tell of ${sent + connections} requests` : null
  }
  return {
    round: async () => {
      let done: Done | undefined
      const time = await timed(async () => {
        load.send({ url, dialect: "native", requests, sessions: standing } satisfies Order)
        const [told] = await once(load, "message")
        done = told as Done
      })
      fault ??= done!.fault
      standing = done!.sessions
      sent += requests
      judged += done!.judged
      return { operations: requests, accepted: requests, refused: 0, ...time }
    },
    finish: async () => {
      load.disconnect()
      await stop()
      fault ??= await shares()
      collector?.stop()
      await database?.stop()
      return { counted: sent, judged, fault }
    }
  }
}
