/**
 * Chains: the simulated flow with states that proceed, work for some next states only and results that choose; and a
 * check of a session's stored events. The rule is implemented independently of the product.
 */
import type { Scenario } from "./Scenario.js"

/** States that proceed, where the scenario has them. The rest of the flow is a ring: each state leads to all others. */
export const proceed: Readonly<Record<string, string>> = { B: "C", C: "D" }

/** The next states that the work of a state is for, where the scenario has chains; null: all. */
export const nextStates: Readonly<Record<string, ReadonlyArray<string> | null>> = {
  A: ["B", "C"],
  B: null,
  C: ["D", "A"]
}

interface Event {
  readonly type: string
  readonly from?: string
  readonly to?: string
  readonly state?: string
  readonly proceeded?: {
    readonly through: ReadonlyArray<string>
    readonly followUp: { readonly operationId: string; readonly workKey: string; readonly nextState: string } | null
    readonly halted: string | null
  }
}

const arriving = ["Opened", "Updated", "TaskCompleted"]

/** What is wrong with one session's events; empty if nothing. */
export const faultsOf = (
  session: string,
  events: ReadonlyArray<{ readonly event: unknown }>,
  { chains, tasks }: Scenario
): ReadonlyArray<string> => {
  const faults: Array<string> = []
  const operations = new Set<string>()
  for (const event of events.map((each) => each.event as Event)) {
    if (!arriving.includes(event.type) || event.from === event.to) continue
    const { followUp, halted = null, through = [] } = event.proceeded ?? { followUp: null }
    const stays = (event.type === "Opened" ? event.state : event.to)!
    const path = [...through, stays, ...(followUp === null ? [] : [followUp.nextState])]
    const astray = path.slice(1).find((next, index) => proceed[path[index]!] !== next)
    if (astray !== undefined || (event.proceeded !== undefined && !chains)) faults.push(`goes on to ${astray}`)
    if (tasks && through.some((state) => isWork(state, proceed[state]!))) faults.push("passes work by")
    if (chains && proceed[stays] !== undefined && followUp === null) faults.push(`stays in ${stays}, which proceeds`)
    if (followUp !== null && !(tasks && isWork(stays, followUp.nextState))) faults.push("claims where there is no work")
    if (halted !== null) faults.push(`halts for ${halted}`)
    if (followUp !== null && operations.has(followUp.operationId)) faults.push("names two claims alike")
    if (followUp !== null) operations.add(followUp.operationId)
  }
  return faults.map((fault) => `${session}: ${fault}`)
}

const isWork = (state: string, next: string): boolean =>
  state in nextStates && (nextStates[state] === null || nextStates[state]!.includes(next))
