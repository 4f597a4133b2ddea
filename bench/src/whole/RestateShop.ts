/**
 * RestateShop: a workflow of Restate a checkout, run by an endpoint in this process, asked through the server, which keeps
 * its log as it comes: every append synced. A caller's move is a call of its own that resolves a durable promise, and waits
 * for another one where the state has work.
 */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { createServer } from "node:http2"
import { createServer as createTcpServer } from "node:net"
import { setTimeout as sleep } from "node:timers/promises"
import { makeDirectory } from "../WorkingFolder.js"
import { faultOf, follow, load, type Manner, restateCommand } from "./Peers.js"
import { cpuOf } from "./ProcessCpu.js"
import { isWorkedOn, stateAt, transitions } from "./Route.js"
import { makeRuns, type Shop } from "./Shop.js"

// What is used of its SDK.
interface Context {
  readonly key: string
  readonly promise: (name: string) => Promise<string> & { readonly resolve: (value: string) => Promise<void> }
  readonly run: (name: string, action: () => void) => Promise<void>
}
type Way = ReadonlyArray<string>
interface Sdk {
  readonly workflow: (definition: {
    readonly name: string
    readonly handlers: {
      readonly run: (context: Context, manner: Manner) => Promise<Way>
      readonly move: (context: Context, index: number) => Promise<void>
    }
  }) => unknown
  readonly createEndpointHandler: (options: {
    readonly services: ReadonlyArray<unknown>
    readonly logger: () => void
  }) => Parameters<typeof createServer>[1]
}
interface Clients {
  readonly connect: (options: { readonly url: string }) => {
    readonly workflowClient: (
      definition: { readonly name: string },
      key: string
    ) => {
      readonly workflowSubmit: (manner: Manner) => Promise<unknown>
      readonly workflowAttach: () => Promise<Way>
      readonly move: (index: number) => Promise<void>
    }
  }
}

const host = "127.0.0.1"
const name = "checkout"

const listen = async (
  server: ReturnType<typeof createTcpServer> | ReturnType<typeof createServer>
): Promise<number> => {
  await once(server.listen(0, host), "listening")
  return (server.address() as { readonly port: number }).port
}

const freePort = async (): Promise<number> => {
  const server = createTcpServer()
  const port = await listen(server)
  server.close()
  return port
}

const startServer = async () => {
  const [ingress, admin, own] = [await freePort(), await freePort(), await freePort()]
  const child = spawn(restateCommand(), ["--no-logo", "--node-name", "bench"], {
    stdio: "ignore",
    env: {
      RESTATE_BASE_DIR: makeDirectory(),
      RESTATE_LISTEN_MODE: "tcp",
      RESTATE_BIND_ADDRESS: `${host}:${own}`,
      RESTATE_INGRESS__BIND_ADDRESS: `${host}:${ingress}`,
      RESTATE_ADMIN__BIND_ADDRESS: `${host}:${admin}`,
      RESTATE_DISABLE_TELEMETRY: "true",
      RESTATE_LOG_FILTER: "error"
    }
  })
  // Before its folder goes.
  process.prependListener("exit", () => child.kill("SIGKILL"))
  process.once("SIGTERM", () => process.exit(143))
  return { child, ingress: `http://${host}:${ingress}`, admin: `http://${host}:${admin}` }
}

const register = async (admin: string, endpoint: number, isGone: () => boolean): Promise<void> => {
  const body = JSON.stringify({ uri: `http://${host}:${endpoint}` })
  for (let tried = 0; tried < 600 && !isGone(); tried++) {
    const request = { method: "POST", headers: { "content-type": "application/json" }, body }
    const answer = await fetch(`${admin}/deployments`, request).catch(() => null)
    if (answer?.ok) return
    await sleep(100)
  }
  throw new Error("restate-server did not start")
}

// Its SDK asks for this of Node 22.
const withResolvers = <A>() => {
  let [resolve, reject]: [(value: A) => void, (reason: unknown) => void] = [() => {}, () => {}]
  const promise = new Promise<A>((yes, no) => {
    resolve = yes
    reject = no
  })
  return { promise, resolve, reject }
}

/** Restate, with a server, files and an endpoint of its own. */
export const restateShop = async (manner: Manner): Promise<Shop> => {
  if (!("withResolvers" in Promise)) Object.assign(Promise, { withResolvers })
  const { createEndpointHandler, workflow } = load<Sdk>("@restatedev/restate-sdk")
  const runs = makeRuns()
  const checkout = workflow({
    name,
    handlers: {
      run: (context, manner) =>
        follow(manner, {
          hear: (state) => context.promise(`go to ${state}`),
          work: (state) => context.run(state, () => runs.ran(`${context.key} ${state}`)),
          tell: (state) => context.promise(`at ${state}`).resolve(state)
        }),
      move: async (context, index) => {
        const state = stateAt(index + 1)
        await context.promise(`go to ${state}`).resolve(state)
        if (isWorkedOn(index)) await context.promise(`at ${state}`)
      }
    }
  })
  const endpoint = createServer({}, createEndpointHandler({ services: [checkout], logger: () => {} }))
  const port = await listen(endpoint)
  const { admin, child, ingress } = await startServer()
  await register(admin, port, () => child.exitCode !== null)
  const client = load<Clients>("@restatedev/restate-sdk-clients").connect({ url: ingress })
  const of = (number: number) => client.workflowClient({ name }, `checkout-${number}`)
  return {
    walk: async (number) => {
      const checkout = of(number)
      await checkout.workflowSubmit(manner)
      if (manner === "driven") for (let index = 0; index < transitions; index++) await checkout.move(index)
      else await checkout.workflowAttach()
    },
    fault: async (upTo) => {
      for (let number = 0; number < upTo; number++) {
        const fault = faultOf(`checkout-${number}`, await of(number).workflowAttach())
        if (fault !== null) return fault
      }
      return runs.fault(upTo)
    },
    serverCpuNanos: cpuOf(child.pid!),
    close: async () => {
      const gone = once(child, "exit")
      child.kill("SIGKILL")
      await gone
      endpoint.close()
    }
  }
}
