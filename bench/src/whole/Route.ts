/**
 * Route: the whole checkout of P15. Fifteen states in a row, fourteen transitions; out of every second state the transition
 * waits for work that answers at once.
 */
import { Flow, type Task } from "@onelane/sdk"

/** Transitions from the opening to the end. */
export const transitions = 14

/** The n-th state of the route. */
export const stateAt = (index: number): string => `Step ${index}`

/** Whether the transition out of the n-th state waits for work. */
export const isWorkedOn = (index: number): boolean => index % 2 === 1 && index < transitions

/** The versions a session has made at its end: its opening, each transition, and each claim that has a commit of its own. */
export const versionsOf = (proceeds: boolean): number => 1 + transitions + (proceeds ? 0 : worked().length)

const worked = (): ReadonlyArray<number> =>
  Array.from({ length: transitions }, (_, index) => index).filter((index) => isWorkedOn(index))

/** Who goes on out of a state with work. */
export type WorkBy = "engine" | "host"

/** The flow. `proceeds`: states with work are left by the engine itself. `ran` counts each run of work. */
export const flowOf = (by: WorkBy, proceeds: boolean, ran: (key: string) => void): Flow.Flow => {
  const flow: Flow.Flow = Flow.defineFlow<Flow.Transitions>({
    name: "route",
    initial: stateAt(0),
    transitions: Object.fromEntries(
      Array.from({ length: transitions + 1 }, (_, index) => [
        stateAt(index),
        index === transitions ? [] : [stateAt(index + 1)]
      ])
    ),
    proceed: proceeds ? Object.fromEntries(worked().map((index) => [stateAt(index), stateAt(index + 1)])) : {}
  })
  const run: Task.Task = { run: async ({ workKey }) => ran(workKey) }
  const task: Task.Task = by === "engine" ? run : {}
  return Flow.withTasks(flow, Object.fromEntries(worked().map((index) => [stateAt(index), task])))
}
