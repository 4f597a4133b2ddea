/**
 * FlowOptions: derives the check options for sessions of a flow from the flow itself.
 */
import type * as Flow from "@onelane/checkout/Flow"
import type { CheckOptions } from "./Linearizable.js"

/**
 * Returns the options for sessions of a flow: its initial state, final states, states that proceed, states that results
 * may choose, and former names. Tasks count as spontaneous if the flow has any. Expiry is not part of a flow, so it is
 * not included.
 */
export const optionsOf = (flow: Flow.Flow): CheckOptions => {
  const followers = [...flow.edges].map(([state, next]) => [state, [...next]] as const)
  return {
    initial: flow.initial,
    finals: followers.filter(([, next]) => next.length === 0).map(([state]) => state),
    proceed: Object.fromEntries(flow.proceed),
    choices: flow.tasks.size === 0 ? {} : Object.fromEntries(followers),
    migrate: Object.fromEntries(flow.migrate),
    spontaneous: [
      ...(flow.tasks.size > 0 ? ["task" as const] : []),
      ...(flow.proceed.size > 0 ? ["halt" as const] : [])
    ]
  }
}
