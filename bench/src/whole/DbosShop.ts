/**
 * DbosShop: a workflow of DBOS Transact a checkout. A caller's move is a message to it; it answers with an event when the work
 * of the state is done. Only those moves are waited for: the others are durable once they are sent.
 */
import { faultOf, follow, load, type Manner } from "./Peers.js"
import { isWorkedOn, stateAt, transitions } from "./Route.js"
import { makeRuns, type Shop } from "./Shop.js"

// What is used of it.
interface Dbos {
  readonly setConfig: (config: Readonly<Record<string, unknown>>) => void
  readonly launch: () => Promise<void>
  readonly shutdown: (options: { readonly deregister: boolean }) => Promise<void>
  readonly workflowID: string | undefined
  readonly registerWorkflow: (workflow: Workflow, config: { readonly name: string }) => Workflow
  readonly startWorkflow: (
    workflow: Workflow,
    params: { readonly workflowID: string }
  ) => (manner: Manner) => Promise<{ readonly getResult: () => Promise<Way> }>
  readonly runStep: (run: () => Promise<void>, config: { readonly name: string }) => Promise<void>
  readonly send: (id: string, message: string) => Promise<void>
  readonly recv: () => Promise<string | null>
  readonly setEvent: (key: string, value: boolean) => Promise<void>
  readonly getEvent: (id: string, key: string) => Promise<boolean | null>
  readonly getResult: (id: string, timeoutSeconds: number) => Promise<Way | null>
}

type Way = ReadonlyArray<string>
type Workflow = (manner: Manner) => Promise<Way>

const idOf = (number: number): string => `checkout-${number}`

/** DBOS on a PostgreSQL of its own, with as many connections as there are callers. */
export const dbosShop = async (
  url: string,
  manner: Manner,
  connections: number,
  serverCpuNanos: Shop["serverCpuNanos"]
): Promise<Shop> => {
  const { DBOS } = load<{ readonly DBOS: Dbos }>("@dbos-inc/dbos-sdk")
  const runs = makeRuns()
  const checkout = DBOS.registerWorkflow(
    (manner) => {
      const id = DBOS.workflowID!
      return follow(manner, {
        hear: async (state) => (await DBOS.recv()) ?? `nothing, instead of ${state}`,
        work: (state) => DBOS.runStep(async () => runs.ran(`${id} ${state}`), { name: state }),
        tell: (state) => DBOS.setEvent(state, true)
      })
    },
    { name: "checkout" }
  )
  DBOS.setConfig({ name: "shop", systemDatabaseUrl: url, systemDatabasePoolSize: connections, logLevel: "error" })
  await DBOS.launch()
  return {
    walk: async (number) => {
      const id = idOf(number)
      const handle = await DBOS.startWorkflow(checkout, { workflowID: id })(manner)
      if (manner === "driven")
        for (let index = 0; index < transitions; index++) {
          const state = stateAt(index + 1)
          await DBOS.send(id, state)
          if (isWorkedOn(index) && (await DBOS.getEvent(id, state)) !== true) throw new Error(`${id}: not ${state}`)
        }
      await handle.getResult()
    },
    fault: async (upTo) => {
      for (let number = 0; number < upTo; number++) {
        const id = idOf(number)
        const fault = faultOf(id, await DBOS.getResult(id, 10))
        if (fault !== null) return fault
      }
      return runs.fault(upTo)
    },
    serverCpuNanos,
    close: () => DBOS.shutdown({ deregister: true })
  }
}
