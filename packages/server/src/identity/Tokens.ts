/**
 * Tokens: the fixed bearer tokens of a server and whose they are, for development and tests.
 */
import { Caller } from "@onelane/checkout"
import * as Schema from "effect/Schema"

/** A role, by its name. */
export const Role = Schema.Literal("modify-all-data", "commerce-integrator", "buyer-checkout")

const Entry = Schema.Struct({
  userId: Schema.NonEmptyString,
  roles: Schema.Array(Role),
  accountId: Schema.optional(Schema.NonEmptyString)
})

/** Token to its owner; `accountId`: the account it acts for. */
export const Tokens = Schema.Record({ key: Schema.NonEmptyString, value: Entry })

/** Token to its owner. */
export type Tokens = typeof Tokens.Type

/** The callers that the tokens stand for. */
export const callersOf = (tokens: Tokens): Readonly<Record<string, Caller.Caller>> =>
  Object.fromEntries(
    Object.entries(tokens).map(([token, { accountId = null, roles, userId }]) => [
      token,
      Caller.make(userId, roles, accountId)
    ])
  )
