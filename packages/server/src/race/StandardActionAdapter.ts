/**
 * StandardActionAdapter: the vendor's standard actions under `/services/data`. They have no read. A session is read by
 * an update that must be refused, because no session has its expected version; the refusal shows the session. Source:
 * PROTOCOL S1-S8.
 */
import type { Flow } from "@onelane/checkout"
import type { Adapter, Answer, RaceResponse } from "./Adapter.js"
import { defineAdapter } from "./Adapter.js"
import { native, refusalOf, seenOf } from "./NativeAdapter.js"

type Members = Readonly<Record<string, unknown>>

const objectIn = (value: unknown): Members =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Members) : {}
const textIn = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined)

const actions = "/services/data/v62.0/actions/standard"

const elementOf = ({ json }: RaceResponse): Members => (Array.isArray(json) ? objectIn(json[0]) : {})
const outputOf = (response: RaceResponse): Members => objectIn(elementOf(response).outputValues)

const answerOf = (response: RaceResponse): Answer => {
  const element = elementOf(response)
  // Only the tag identifies an error for the judge: a code stands for several errors.
  const { _tag: __, ...failed } = element
  if (element.isSuccess !== true) return refusalOf(response.status, failed)
  const seen = seenOf(element.current)
  const { checkoutSessionId, requestId } = outputOf(response)
  if (checkoutSessionId === null) return { outcome: "refused", error: "NothingToCancel" }
  if (seen === undefined) return { outcome: "unknown", error: "an answer without a session" }
  const replayed = response.headers["idempotent-replayed"] === "true"
  return { outcome: "accepted", seen, requestId: textIn(requestId), replayed }
}

/** The refusal that shows the session counts as the answer to a read. */
const readOf = (response: RaceResponse): Answer => {
  const seen = seenOf(elementOf(response).current)
  const answer = answerOf(response)
  return seen !== undefined && answer.outcome === "refused" ? { outcome: "accepted", seen } : answer
}

/**
 * The standard actions of a server whose sessions follow this flow. `create`: further inputs of the action that opens a
 * session.
 */
export const standardAction = (flow: Flow.Flow, create: object = {}): Adapter => {
  const { check, initial, transitions } = native(flow)
  const carts = new Map<string, string>()
  const call = (action: string, input: object) => ({
    method: "POST",
    path: `${actions}/${action}`,
    body: { inputs: [input] }
  })
  const keyed = (key: string | undefined): object => (key === undefined ? {} : { idempotencyKey: key })
  const never = {
    expCurrentState: initial,
    nextState: transitions[initial]?.[0],
    expectedVersion: Number.MAX_SAFE_INTEGER
  }
  return defineAdapter({
    name: "standard-action",
    initial,
    transitions,
    check,
    create: async ({ http, name }) => {
      const response = await http(call("checkoutSessionAction", { cartId: name, ...create }))
      const session = textIn(outputOf(response).checkoutSessionId)
      if (session !== undefined) carts.set(session, name)
      return { ...answerOf(response), ...(session !== undefined && { session }) }
    },
    read: async ({ http, session }) =>
      readOf(await http(call("updateCheckoutSessionAction", { checkoutSessionId: session, ...never }))),
    update: async ({ expected, http, key, next, session }) => {
      const input = { checkoutSessionId: session, expCurrentState: expected, nextState: next, ...keyed(key) }
      return answerOf(await http(call("updateCheckoutSessionAction", input)))
    },
    cancel: async ({ http, key, session }) =>
      answerOf(await http(call("cancelCartAsyncOperation", { cartId: carts.get(session) ?? session, ...keyed(key) })))
  })
}
