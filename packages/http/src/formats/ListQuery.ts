/**
 * ListQuery: the queries of lists as inputs of the service, and back. A query has texts only: what the service takes as a text stays
 * one though it be of digits, and instants are ISO 8601. What cannot be read is passed on as it is; the service refuses it.
 */
import type { CheckoutSessions } from "@onelane/checkout"
import { instantText } from "../contract/InstantText.js"

/** Members of a query. A member that came several times is a list, nested to the left. */
type Query = Readonly<Record<string, unknown>>

const textOf = (value: unknown): any => (typeof value === "number" ? String(value) : value)

const textsOf = (value: unknown): any =>
  Array.isArray(value) ? value.flat(Number.POSITIVE_INFINITY).map(textOf) : textOf(value)

const flagOf = (value: unknown): any => (value === "true" ? true : value === "false" ? false : value)

const instantOf = (value: unknown): any => {
  const millis = typeof value === "string" ? Date.parse(value) : Number.NaN
  return Number.isNaN(millis) ? textOf(value) : millis
}

const reading = (query: Query, readers: Readonly<Record<string, (value: unknown) => unknown>>): any => {
  const input: Record<string, unknown> = { ...query }
  for (const [name, read] of Object.entries(readers)) if (name in input) input[name] = read(input[name])
  return input
}

/** The input of `sessions`. */
export const sessionsInput = (query: Query): CheckoutSessions.SessionsInput =>
  reading(query, {
    state: textsOf,
    cartId: textOf,
    archived: flagOf,
    claimed: flagOf,
    changedBefore: instantOf,
    changedAfter: instantOf,
    after: textOf
  })

/** The input of `claims`. */
export const claimsInput = (query: Query): CheckoutSessions.ClaimsInput =>
  reading(query, { state: textOf, after: textOf })

const isInstant = (name: string, value: unknown): value is number =>
  (name === "changedBefore" || name === "changedAfter") && Number.isSafeInteger(value) && (value as number) >= 0

/** An input as a query, `?…`, or nothing. */
export const write = (input: object): string => {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(input)) {
    if (value === undefined || value === null) continue
    // A list of nothing is sent as an empty text, which is refused as the list would be.
    const values: ReadonlyArray<unknown> = Array.isArray(value) ? (value.length === 0 ? [""] : value) : [value]
    for (const one of values) search.append(name, isInstant(name, one) ? instantText(one) : String(one))
  }
  return search.size === 0 ? "" : `?${search}`
}
