/**
 * Arrival: what follows when a session comes to a state that proceeds, computed once when a flow is defined: the states
 * it passes through because they have no work for that step, and where it stays: at work, at a screen, or at a final
 * state.
 *
 * Owns the validation of `proceed`. Does not own what is committed (Proceeding).
 */
import { shownState } from "../session/CheckoutState.js"
import { isFor, type Task } from "./Task.js"

/** What follows when a session comes to a state that proceeds. */
export interface Arrival {
  /** The states passed through, in order, starting with the one the session came to. */
  readonly through: ReadonlyArray<string>
  /** Where the session stays. */
  readonly state: string
  /** Whether that state completes the session. */
  readonly archives: boolean
  /** The work that is claimed there, and the state after it; null at a screen and at a final state. */
  readonly work: { readonly task: Task; readonly nextState: string } | null
}

/** State to the state it proceeds to, as written by a host. */
export type Proceeds = { readonly [State in string]?: string | undefined }

/** The parts of a flow from which arrivals are computed. */
interface Parts {
  readonly edges: ReadonlyMap<string, ReadonlySet<string>>
  readonly tasks: ReadonlyMap<string, Task>
  readonly proceed: ReadonlyMap<string, string>
}

/** What is wrong with `proceed`, as a sentence; null if nothing. */
export const faultOf = (edges: Parts["edges"], states: ReadonlySet<string>, written: Proceeds): string | null => {
  if (typeof written !== "object" || written === null || Array.isArray(written)) return "proceed must be an object"
  const proceed = new Map(entriesOf(written))
  for (const [state, next] of proceed) {
    if (!states.has(state)) return `the unknown state ${shownState(state)} proceeds`
    if (!(edges.get(state)?.has(next) ?? false))
      return `${state} proceeds to ${shownState(next)}, which does not follow it`
  }
  // Without a cycle, following `proceed` ends within as many steps as it has entries.
  for (const [state] of proceed) {
    let at: string | undefined = state
    for (let steps = 0; at !== undefined && steps <= proceed.size; steps++) at = proceed.get(at)
    if (at !== undefined) return `${state} proceeds in a circle`
  }
  return null
}

/** The entries of a checked `proceed`. */
export const entriesOf = (written: Proceeds): ReadonlyArray<readonly [state: string, next: string]> =>
  Object.entries(written).filter((entry): entry is [string, string] => entry[1] !== undefined)

/** Every arrival of a flow, by the state a session comes to. */
export const all = (parts: Parts): ReadonlyMap<string, Arrival> =>
  new Map(Array.from(parts.proceed.keys(), (state) => [state, at(parts, state)]))

const at = ({ edges, proceed, tasks }: Parts, first: string): Arrival => {
  const through: Array<string> = []
  let state = first
  for (let nextState = proceed.get(state); nextState !== undefined; nextState = proceed.get(state)) {
    const task = tasks.get(state)
    if (task !== undefined && isFor(task, nextState))
      return { through, state, archives: false, work: { task, nextState } }
    through.push(state)
    state = nextState
  }
  return { through, state, archives: edges.get(state)?.size === 0, work: null }
}
