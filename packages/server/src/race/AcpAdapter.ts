/**
 * AcpAdapter: the seller's side of the Agentic Commerce Protocol (2026-04-17). Its updates name no state: they edit the
 * buyer and the delivery, and the judge looks for lost edits. The payment completes a session.
 */
import type { Adapter, Answer, RaceRequest, RaceResponse, Seen } from "./Adapter.js"
import { defineAdapter } from "./Adapter.js"

type Members = Readonly<Record<string, unknown>>

const apiVersion = "2026-04-17"
const sessions = "/checkout_sessions"
const [open, completed] = ["open", "completed"]

const objectIn = (value: unknown): Members =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Members) : {}
const listIn = (value: unknown): ReadonlyArray<unknown> => (Array.isArray(value) ? value : [])
const textIn = (value: unknown): string => (typeof value === "string" ? value : "")

const address = { name: "Race", city: "Town", state: "CA", country: "US", postal_code: "94102" }
/** How an edit is written: a text of its own in each member. */
const editOf: Readonly<Record<string, (text: string) => object>> = {
  buyer: (text) => ({ buyer: { email: `${text}@example.com`, first_name: "Race", last_name: "Race" } }),
  delivery: (text) => ({ fulfillment_details: { name: "Race", address: { ...address, line_one: text } } })
}
const bodyOf = (patch: Readonly<Record<string, string>>): object =>
  Object.assign({}, ...Object.entries(patch).map(([member, text]) => editOf[member]?.(text)))

const dataOf = ({ buyer, fulfillment_details }: Members): Readonly<Record<string, string>> => {
  const delivery = textIn(objectIn(objectIn(fulfillment_details).address).line_one)
  const email = textIn(objectIn(buyer).email).replace(/@example\.com$/, "")
  return { ...(email !== "" && { buyer: email }), ...(delivery !== "" && { delivery }) }
}

/** A session as it was seen. */
const seenOf = (session: Members): Seen | undefined => {
  const { status } = session
  if (typeof status !== "string") return undefined
  const data = dataOf(session)
  if (status === "completed") return { state: completed, next: null, archived: true, data }
  if (status === "canceled" || status === "expired") return { state: open, next: null, archived: true, data }
  return { state: open, next: status === "complete_in_progress" ? completed : null, archived: false, data }
}

const answerOf = ({ headers, json, status }: RaceResponse): Answer => {
  const body = objectIn(json)
  const error = textIn(body.code) || `status ${status}`
  // The payment is in progress: this request, or an earlier one with its key, was accepted.
  if (status === 202 || status === 408 || status >= 500 || error === "idempotency_in_flight")
    return { outcome: "unknown", error }
  if (status < 200 || status > 299) return { outcome: "refused", error }
  const seen = seenOf(body)
  if (seen === undefined) return { outcome: "unknown", error: "an answer without a status" }
  return { outcome: "accepted", seen, ...(headers["idempotent-replayed"] === "true" && { replayed: true }) }
}

const request = (method: string, path: string, key?: string, body?: object): RaceRequest => ({
  method,
  path: `${sessions}${path}`,
  headers: { "api-version": apiVersion, ...(key !== undefined && { "idempotency-key": key }) },
  ...(body !== undefined && { body })
})

/** Chooses the first way of delivery that is offered, where none is chosen. */
const chosen = (session: Members): object | null => {
  const [option] = listIn(session.fulfillment_options).map(objectIn)
  if (option === undefined || listIn(session.selected_fulfillment_options).length > 0) return null
  const item_ids = listIn(session.line_items).map((item) => objectIn(item).id)
  return { selected_fulfillment_options: [{ type: option.type, option_id: option.id, item_ids }] }
}

/** The settings that a seller must give for a race. */
export interface AcpOptions {
  /** Members of the body that opens a session: the items for sale. */
  readonly create: object
  /** Members of the body that completes one: the payment. */
  readonly complete: object
}

/** The Agentic Commerce Protocol. */
export const acp = ({ complete, create }: AcpOptions): Adapter => {
  const payment = { instrument: { type: "card", credential: { type: "spt", token: "race-token" } } }
  const pathOf = (session: string): string => `/${encodeURIComponent(session)}`
  return defineAdapter({
    name: "acp",
    initial: open,
    transitions: { [open]: [completed], [completed]: [] },
    edits: { members: Object.keys(editOf) },
    keys: "required",
    // A declined payment leaves the session open.
    check: { spontaneous: ["task"], choices: { [open]: [open, completed] } },
    create: async ({ http, name }) => {
      const first = bodyOf({ buyer: "race-0", delivery: "race-0" })
      const body = { line_items: [{ id: "item" }], currency: "usd", capabilities: {}, ...first, ...create }
      const opened = await http(request("POST", "", name, body))
      const session = textIn(objectIn(opened.json).id)
      const choice = opened.status < 300 && session !== "" ? chosen(objectIn(opened.json)) : null
      const shown = choice === null ? opened : await http(request("POST", pathOf(session), `${name}-choice`, choice))
      return { ...answerOf(shown), ...(session !== "" && { session }) }
    },
    read: async ({ http, session }) => answerOf(await http(request("GET", pathOf(session)))),
    update: async ({ http, key, patch = {}, session }) =>
      answerOf(await http(request("POST", pathOf(session), key, bodyOf(patch)))),
    cancel: async ({ http, key, session }) =>
      answerOf(await http(request("POST", `${pathOf(session)}/cancel`, key, {}))),
    complete: async ({ http, key, session }) =>
      answerOf(await http(request("POST", `${pathOf(session)}/complete`, key, { payment_data: payment, ...complete })))
  })
}
