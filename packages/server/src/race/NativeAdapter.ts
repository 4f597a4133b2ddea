/**
 * NativeAdapter: the native format under `/v1`.
 * Source: PROTOCOL N1-N8, X5.
 */

import type { Flow } from "@onelane/checkout"
import { optionsOf } from "@onelane/history"
import type { Adapter, Answer, RaceResponse, Seen } from "./Adapter.js"
import { defineAdapter } from "./Adapter.js"

type Members = Readonly<Record<string, unknown>>

const objectIn = (value: unknown): Members =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Members) : {}
const textIn = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined)

/** A session, or the `current` of a refusal, as `Seen`. */
export const seenOf = (value: unknown): Seen | undefined => {
  const { isArchived, lastRequestId, nextState, state, version } = objectIn(value)
  if (typeof version !== "number" || typeof state !== "string") return undefined
  return {
    version,
    state,
    ...((nextState === null || typeof nextState === "string") && { next: nextState }),
    ...(typeof isArchived === "boolean" && { archived: isArchived }),
    ...((lastRequestId === null || typeof lastRequestId === "string") && { requestId: lastRequestId })
  }
}

/** The outcome of a refused call: `applied` says whether it may have been applied anyway. */
export const refusalOf = (status: number, { _tag, applied, code, current, reason }: Members): Answer => {
  const error = textIn(_tag) ?? textIn(reason) ?? textIn(code) ?? `status ${status}`
  const isKnown = applied === "no" || (applied === undefined && status >= 300 && status < 500 && status !== 408)
  if (!isKnown) return { outcome: "unknown", error }
  return { outcome: "refused", error, seen: seenOf(current) }
}

const answerOf = ({ json, status }: RaceResponse): Answer => {
  const body = objectIn(json)
  if (status < 200 || status > 299) return refusalOf(status, body)
  const session = "session" in body ? body.session : body
  // A cancel without a session did nothing.
  if (session === null) return { outcome: "refused", error: "NothingToCancel" }
  const seen = seenOf(session)
  if (seen === undefined) return { outcome: "unknown", error: "an answer without a session" }
  return {
    outcome: "accepted",
    seen,
    requestId: textIn(body.requestId),
    ...(typeof body.replayed === "boolean" && { replayed: body.replayed })
  }
}

/** The transitions of a flow for a race. */
export const transitionsOf = (flow: Flow.Flow): Adapter["transitions"] =>
  Object.fromEntries(Object.entries(flow.transitions).map(([state, followers]) => [state, [...followers]]))

const sessions = "/v1/checkout-sessions"

/**
 * The native format of a server whose sessions follow this flow. `create`: further members of the body that opens a
 * session.
 */
export const native = (flow: Flow.Flow, create: object = {}): Adapter => {
  const pathOf = (session: string): string => `${sessions}/${encodeURIComponent(session)}`
  const keyed = (key: string | undefined): object => (key === undefined ? {} : { idempotencyKey: key })
  return defineAdapter({
    name: "native",
    initial: flow.initial,
    transitions: transitionsOf(flow),
    check: { ...optionsOf(flow), spontaneous: ["task", ...(flow.proceed.size > 0 ? (["halt"] as const) : [])] },
    create: async ({ http, name }) => {
      const response = await http({ method: "POST", path: sessions, body: { cartId: name, ...create } })
      return { ...answerOf(response), session: textIn(objectIn(objectIn(response.json).session).id) }
    },
    read: async ({ http, session }) => answerOf(await http({ method: "GET", path: pathOf(session) })),
    update: async ({ expected, http, key, next, session }) => {
      const body = { expCurrentState: expected, nextState: next, ...keyed(key) }
      return answerOf(await http({ method: "POST", path: `${pathOf(session)}/update`, body }))
    },
    cancel: async ({ http, key, session }) =>
      answerOf(await http({ method: "POST", path: `${pathOf(session)}/cancel`, body: keyed(key) }))
  })
}
