/**
 * ListQuery: the queries of lists as inputs of the service. A query contains texts only. Texts of the service stay
 * texts, even if they are all digits; instants are ISO 8601. A value that cannot be parsed is passed on unchanged, and
 * the service refuses it.
 */
import type { CheckoutSessions } from "@onelane/checkout"

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
