/**
 * AccessQuestions: requests about a session that never change anything: if the rights allow one, a later rule refuses
 * it. Also checks what an answer to a caller without rights must not contain.
 */
import type { Asked, Held } from "./AccessModel.js"

/** One raw answer. Header names in lower case. */
export interface Answer {
  readonly status: number
  readonly headers: ReadonlyArray<readonly [string, string]>
  readonly text: string
}

/** One request: method, path, body. */
export type Request = readonly [method: "GET" | "POST", path: string, body?: object]

/** One question. */
export interface Question {
  readonly asked: Asked
  readonly name: string
  readonly request: (sessionId: string) => Request
  /** The tag of the later refusal if the rights allow it; null: it succeeds. */
  readonly later: string | null
}

const sessions = "/v1/checkout-sessions"
const moves = { expCurrentState: "Inventory", nextState: "Confirm Price" }

/** The cart of a session of that id. */
export const cartOf = (sessionId: string): string => `cart-${sessionId}`

const closing = (name: "complete" | "fail" | "release", asked: Asked, body: object): Question => ({
  ...{ asked, name, later: "OperationNotCurrent" },
  request: (id) => ["POST", `${sessions}/${id}/operations/op_none/${name}`, body]
})

/** All questions in the native format. */
export const questions: ReadonlyArray<Question> = [
  { asked: "read", name: "get", later: null, request: (id) => ["GET", `${sessions}/${id}`] },
  { asked: "read", name: "history", later: null, request: (id) => ["GET", `${sessions}/${id}/history`] },
  {
    ...{ asked: "update", name: "update", later: "ExpectedStateMismatch" },
    request: (id) => ["POST", `${sessions}/${id}/update`, moves]
  },
  {
    ...{ asked: "cancel", name: "cancel", later: "ExpectedStateMismatch" },
    request: (id) => ["POST", `${sessions}/${id}/cancel`, { expectedVersion: 99 }]
  },
  // The cart has a session already, so this returns that one and opens none.
  { asked: "open", name: "open", later: null, request: (id) => ["POST", sessions, { cartId: cartOf(id) }] },
  {
    ...{ asked: "cancel", name: "cancel by cart", later: "ExpectedStateMismatch" },
    request: (id) => ["POST", `${sessions}/cancel`, { cartId: cartOf(id), expectedVersion: 99 }]
  },
  closing("fail", "complete", { code: "X" }),
  closing("complete", "complete", {}),
  closing("release", "release", { reason: "a test" })
]

/** The same request in the standard-action format. */
export const actionRequest = (id: string): Request => [
  "POST",
  "/services/data/v60.0/actions/standard/updateCheckoutSessionAction",
  { inputs: [{ checkoutSessionId: id, ...moves }] }
]

/** The reason codes of the standard action, by tag. */
export const reasons: Readonly<Record<string, string>> = {
  ActionNotPermitted: "ACTION_NOT_PERMITTED",
  SessionInaccessible: "SESSION_INACCESSIBLE",
  AccountInaccessible: "ACCOUNT_INVALID_OR_INACCESSIBLE",
  NotStoreMember: "NOT_A_STORE_MEMBER",
  ExpectedStateMismatch: "STATE_MISMATCH"
}

/**
 * What an answer reveals about a session to a caller who was refused, in words; empty: nothing. `others`: related ids.
 */
export const leaks = (
  { headers, text }: Answer,
  session: Held,
  others: ReadonlyArray<string>
): ReadonlyArray<string> => {
  const body = text.replaceAll(session.id, "")
  const secrets = [session.cartId, session.ownerId, ...others].filter((secret) => body.includes(secret))
  return [
    ...secrets.map((secret) => `it names ${secret}`),
    ...(/"current":\{/.test(body) ? ["it says where the session is"] : []),
    ...(headers.some(([name]) => name === "etag") ? ["it has an ETag"] : [])
  ]
}
