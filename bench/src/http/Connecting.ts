/**
 * Connecting: a client of an `onelane serve` in another process: the SDK's `connect`, or bare `fetch` of the same
 * bytes. The task of P22; only the client's CPU time counts. It checks every answer: its state, and a version one
 * higher.
 */
import { fork } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"
import { Onelane } from "@onelane/sdk"
import { firstState, nextOf } from "../Load.js"
import { type Runner, timed } from "../Runner.js"
import { token } from "./Load.js"
import { start as serve } from "./Serving.js"

/** What `start` is given. */
export interface Options {
  readonly client: "connect" | "fetch"
  readonly callers: number
  readonly calls: number
}

interface Stand {
  readonly id: string
  state: string
  version: number
}

type Answer = { readonly session: { readonly state: string; readonly version: number } }
type Update = (stand: Stand) => Promise<Answer>

const connected = async (url: string): Promise<Update> => {
  const checkout = await Onelane.connect({ url, token, flow: "any" })
  return ({ id, state }) =>
    checkout.updateOrThrow({ checkoutSessionId: id, expCurrentState: state, nextState: nextOf(state) } as never)
}

const fetched = (url: string): Update => {
  let key = 0
  return async ({ id, state }) => {
    const answer = await fetch(`${url}/v1/checkout-sessions/${id}/update`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify({ expCurrentState: state, nextState: nextOf(state), idempotencyKey: `bench-${key++}` })
    })
    return (await answer.json()) as Answer
  }
}

/** Starts server and client. */
export const start = async ({ callers, calls, client }: Options): Promise<Runner> => {
  const server = fork(fileURLToPath(import.meta.url), ["serve", String(callers)])
  const [{ ids, url }] = (await once(server, "message")) as [{ readonly url: string; readonly ids: Array<string> }]
  const update = client === "connect" ? await connected(url) : fetched(url)
  const stands = ids.map((id): Stand => ({ id, state: firstState, version: 1 }))
  let fault: string | null = null
  let sent = 0
  const caller = async (stand: Stand, times: number): Promise<void> => {
    for (let made = 0; made < times; made++) {
      const { session } = await update(stand)
      if (session.state !== nextOf(stand.state) || session.version !== stand.version + 1)
        fault ??= `${stand.id} at version ${stand.version} was answered with version ${session.version}`
      stand.state = session.state
      stand.version = session.version
    }
  }
  return {
    round: async () => {
      const each = Math.ceil(calls / callers)
      const operations = each * callers
      const time = await timed(async () => {
        await Promise.all(stands.map((stand) => caller(stand, each)))
      })
      sent += operations
      return { operations, accepted: operations, refused: 0, ...time }
    },
    finish: async () => {
      server.disconnect()
      return { counted: sent, judged: sent, fault }
    }
  }
}

const servePeer = async (connections: number): Promise<void> => {
  const options = { storage: "memory", logs: false, traced: null, clustered: false, connections, requests: 0 } as const
  await serve(options, (url, ids) => void process.send!({ url, ids }))
  process.on("disconnect", () => process.exit(0))
}

if (process.send !== undefined && process.argv[2] === "serve") void servePeer(Number(process.argv[3]))
