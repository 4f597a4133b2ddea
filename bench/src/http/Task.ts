/** Task: a server in this process, and a process that loads it; only this one's CPU time is counted. The task of P10. */
import { fork } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"
import { CheckoutEngine, CheckoutSessions } from "@onelane/checkout"
import { JournalMemory } from "@onelane/engine"
import { ManagedRuntime } from "effect"
import { firstState } from "../Load.js"
import { type Runner, timed } from "../Runner.js"
import { engineOver, openThrough } from "../subjects/Onelane.js"
import type { Done, dialects, Order } from "./Load.js"
import { servers } from "./Servers.js"

/** What `start` is given. */
export interface Options {
  readonly server: keyof typeof servers
  readonly dialect: keyof typeof dialects
  readonly connections: number
  readonly requests: number
}

/** Starts the server and its load. */
export const start = async ({ server, dialect, connections, requests }: Options): Promise<Runner> => {
  const runtime = ManagedRuntime.make(engineOver(JournalMemory.layer))
  const sessions = await runtime.runPromise(CheckoutSessions.CheckoutSessions)
  const engine = await runtime.runPromise(CheckoutEngine.CheckoutEngine)
  const ids = await runtime.runPromise(openThrough(sessions, connections))
  const { url, close } = await servers[server]({ sessions, engine })
  const load = fork(fileURLToPath(new URL("./Load.js", import.meta.url)), ["load"])
  let standing: Order["sessions"] = ids.map((id) => ({ id, state: firstState, version: 1 }))
  let sent = 0
  let judged = 0
  let fault: string | null = null
  return {
    round: async () => {
      let done: Done | undefined
      const time = await timed(async () => {
        load.send({ url, dialect, requests, sessions: standing } satisfies Order)
        const [told] = await once(load, "message")
        done = told as Done
      })
      fault ??= done!.fault
      standing = done!.sessions
      sent += requests
      judged += done!.judged
      return { operations: requests, accepted: requests, refused: 0, ...time, more: { p50: done!.p50, p99: done!.p99 } }
    },
    finish: async () => {
      load.disconnect()
      await close()
      await runtime.dispose()
      return { counted: sent, judged, fault }
    }
  }
}
