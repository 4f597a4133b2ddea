/**
 * Tokens: fixed bearer tokens and their callers, for development and tests.
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

/** Maps a token to its caller; `accountId`: the acting account. */
export const Tokens = Schema.Record({ key: Schema.NonEmptyString, value: Entry })

/** Maps a token to its caller. */
export type Tokens = typeof Tokens.Type

/** The callers of these tokens. */
export const callersOf = (tokens: Tokens): Readonly<Record<string, Caller.Caller>> =>
  Object.fromEntries(
    Object.entries(tokens).map(([token, { accountId = null, roles, userId }]) => [
      token,
      Caller.make(userId, roles, accountId)
    ])
  )
