/**
 * Seed: a small directory as JSON, put at every start: what it names is added or replaced, what it does not name stays.
 */
import { type Access, Carts, Directory } from "@onelane/checkout"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

const Id = Schema.NonEmptyString
const Role = Schema.Literal("modify-all-data", "commerce-integrator", "buyer-checkout")
const orElse = <A, I>(schema: Schema.Schema<A, I>, value: () => A) => Schema.optionalWith(schema, { default: value })
const ids = orElse(Schema.Array(Id), () => [])

/** Users, stores, accounts with their people and stores, and carts. */
export const Seed = Schema.Struct({
  users: orElse(Schema.Array(Schema.Struct({ id: Id, roles: orElse(Schema.Array(Role), () => []) })), () => []),
  stores: ids,
  accounts: orElse(
    Schema.Array(Schema.Struct({ id: Id, active: orElse(Schema.Boolean, () => true), users: ids, stores: ids })),
    () => []
  ),
  carts: orElse(
    Schema.Array(
      Schema.Struct({
        id: Id,
        storeId: Id,
        accountId: Id,
        ownerId: Id,
        status: orElse(Schema.Literal(...Carts.cartStatuses), () => "Active" as const)
      })
    ),
    () => []
  )
})

/** Users, stores, accounts and carts. */
export type Seed = typeof Seed.Type

/** Puts a seed into the directory in force. Fails on an account that names a user or store nobody put. */
export const put = (
  seed: Seed
): Effect.Effect<void, Access.PortUnavailable | Directory.UnknownEntry, Directory.Directory> =>
  Effect.gen(function* () {
    const directory = yield* Directory.Directory
    for (const user of seed.users) yield* directory.putUser(user)
    for (const storeId of seed.stores) yield* directory.putStore(storeId)
    for (const { active, id, stores, users } of seed.accounts) {
      yield* directory.putAccount({ id, active })
      for (const userId of users) yield* directory.putAccountMember(id, userId)
      for (const storeId of stores) yield* directory.putStoreMember(storeId, id)
    }
    for (const cart of seed.carts) yield* directory.putCart(cart)
  })
